"""Networks that train a part of the trunk in a search: planned where there is time, and never beyond it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.families import TUNED, schedule
from search_engine.planner import MEMORY_BYTES, TUNE_EPOCHS, TUNE_SEEN, Rates, make_plan, picture_bytes
from search_engine.proposing import space_of
from search_engine.search import controls, decide
from search_engine.space.scratch_space import RESOLUTIONS
from search_engine.space.trunks import TRUNKS
from search_engine.steps import Clock, TrainStep
from search_engine.trial import Kind, Origin, Trial, TrialState

EXTRACT = {96: 220.0, 128: 139.0, 160: 95.0, 192: 70.0, 224: 54.0}
RATES = Rates(decode=400.0, extract=EXTRACT, train=dict.fromkeys(EXTRACT, 1500.0), tune=120.0)
PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=1000,
    epochs=10,
    trial_seconds=4.0,
    prepare_seconds=20.0,
    finish_seconds=12.0,
    classes=4,
    pooled=True,
    unfreeze=2,
    tune_epochs=5,
    tune_seconds=50.0,
)


def plan(minutes: float, pictures: int, rates: Rates = RATES, **changes: object) -> Plan:
    config = SearchConfig(budget_seconds=60 * minutes, slots=2)
    config = dataclasses.replace(config, **changes)  # type: ignore[arg-type]
    return make_plan(
        config, rates, trunk="efficientnet_lite0", pictures=pictures, test_pictures=300, spent=3.0
    )


def test_two_minutes_are_too_short_for_it_and_an_hour_is_not() -> None:
    assert plan(2, 2000).unfreeze == 0
    assert plan(60, 2000).unfreeze == 3
    assert plan(60, 2000, dataclasses.replace(RATES, tune=1000.0)).tune_epochs == TUNE_EPOCHS[1]
    depths = [plan(minutes, 2000).unfreeze for minutes in (1, 2, 5, 10, 15, 30, 60)]
    assert depths == sorted(depths)


def test_one_such_network_takes_a_small_part_of_the_search() -> None:
    for minutes in (5, 10, 15, 30, 60):
        made = plan(minutes, 1000)
        if made.unfreeze:
            assert made.tune_seconds <= 0.1 * made.search_seconds(
                SearchConfig(budget_seconds=60 * minutes, slots=2)
            )
            assert made.tune_epochs >= TUNE_EPOCHS[0]


def test_a_small_set_is_passed_over_more_often() -> None:
    made = plan(15, 200)
    assert made.unfreeze
    assert made.tune_epochs * 200 >= TUNE_SEEN[0]


def test_what_is_cached_for_it_fits_into_memory() -> None:
    fast = dataclasses.replace(RATES, extract=dict.fromkeys(EXTRACT, 1e5), tune=1e6)
    made = plan(60, 9000, fast)
    assert 0 < made.unfreeze < 3
    assert plan(60, 2000, fast).unfreeze == 3
    spec = TRUNKS[made.trunk]
    assert made.pictures * picture_bytes(spec, made.resolution, made.unfreeze) <= MEMORY_BYTES


def test_it_goes_with_full_training_only_and_not_unmeasured() -> None:
    assert plan(60, 1000, fidelity="asha").unfreeze == 0
    assert plan(60, 1000, dataclasses.replace(RATES, tune=0.0)).unfreeze == 0


def played(config: SearchConfig) -> Iterator[tuple[float, TrainStep]]:
    """The networks of a whole search on one slot, and when each begins; tuned ones are the better."""
    space, now = space_of(config, PLAN), PLAN.prepare_seconds
    trials = [
        Trial(0, Kind.MAJORITY, Origin.CONTROL, TrialState.FINISHED, reward=0.2, seconds=0.1, epochs=0),
        Trial(1, Kind.LINEAR_PROBE, Origin.CONTROL, TrialState.FINISHED, reward=0.5, seconds=2.0, epochs=1),
        Trial(2, Kind.FINE_TUNE, Origin.CONTROL, TrialState.FINISHED, reward=0.6, seconds=9.0, epochs=5),
    ]
    while True:
        step = decide(config, PLAN, trials, Clock(elapsed=now, exported=1, since_export=0.0), space)
        if not isinstance(step, TrainStep) or step.kind is not Kind.NETWORK:
            return
        yield now, step
        is_tuned = schedule(PLAN, step.vector) == TUNED
        seconds = PLAN.tune_seconds if is_tuned else PLAN.trial_seconds
        now += seconds
        trials.append(
            Trial(
                step.number,
                step.kind,
                step.origin,
                TrialState.FINISHED,
                vector=step.vector,
                key=step.key,
                reward=0.9 if is_tuned else 0.7,
                seconds=seconds,
                epochs=step.epochs,
            )
        )


@pytest.mark.parametrize("strategy", ["evolution", "random", "local"])
def test_a_search_trains_some_for_their_own_length_and_keeps_its_time(strategy: str) -> None:
    config = SearchConfig(budget_seconds=900.0, seed=3, strategy=strategy, ensemble=False)
    tuned = frozen = 0
    for now, step in played(config):
        assert step.genome is not None
        if schedule(PLAN, step.vector) == TUNED:
            tuned += 1
            assert step.genome.unfrozen
            assert step.epochs == PLAN.tune_epochs
            assert step.incumbent is None
            assert now + PLAN.tune_seconds + PLAN.finish_seconds <= config.budget_seconds
            assert step.seconds >= PLAN.tune_seconds - 1.0
        else:
            frozen += 1
            assert not step.genome.unfrozen
            assert step.epochs == PLAN.epochs
    assert tuned >= 2
    assert frozen >= 10
    assert now >= 0.8 * config.budget_seconds  # near the end it goes on with what is quick


def test_searches_planned_before_it_was_offered_have_one_schedule() -> None:
    older = Plan.from_dict(
        {k: v for k, v in PLAN.to_dict().items() if k not in ("unfreeze", "tune_epochs", "tune_seconds")}
    )
    space = space_of(SearchConfig(budget_seconds=60.0), older)
    assert len(space.decisions) == 50
    assert {schedule(older, start) for start in space.starts} == {""}


def test_plain_fine_tuning_is_a_control_that_nobody_waits_for() -> None:
    config = SearchConfig(budget_seconds=900.0, seed=3, slots=2)
    space = space_of(config, PLAN)
    trials: list[Trial] = []
    for number, kind in enumerate((Kind.MAJORITY, Kind.LINEAR_PROBE)):
        step = decide(config, PLAN, trials, Clock(elapsed=20.0), space)
        assert isinstance(step, TrainStep)
        assert (step.number, step.kind) == (number, kind)
        trials.append(Trial(number, kind, Origin.CONTROL, TrialState.FINISHED, reward=0.5, seconds=1.0))
    clock = Clock(elapsed=22.0, exported=1, since_export=0.0)
    step = decide(config, PLAN, trials, clock, space)
    assert isinstance(step, TrainStep)
    assert (step.kind, step.origin, step.epochs) == (Kind.FINE_TUNE, Origin.CONTROL, PLAN.tune_epochs)
    assert step.genome is not None
    assert (step.genome.unfrozen, step.genome.pooled) == (PLAN.unfreeze, False)
    trials.append(Trial(2, step.kind, step.origin, TrialState.RUNNING, key=step.key))
    following = decide(config, PLAN, trials, clock, space)
    assert isinstance(following, TrainStep)
    assert following.kind is Kind.NETWORK
    assert controls(dataclasses.replace(PLAN, unfreeze=0)) == (Kind.MAJORITY, Kind.LINEAR_PROBE)


def of_any_space(**changes: object) -> tuple[SearchConfig, Plan, list[Trial]]:
    """Settings, a plan of both families, and controls and starting points of both that are trained."""
    config = SearchConfig(budget_seconds=600.0, space="any", strategy="evolution", random_share=0.0)
    config = dataclasses.replace(config, **changes)  # type: ignore[arg-type]
    both = dataclasses.replace(
        PLAN, space="any", scratch_resolution=32, scratch_epochs=10, scratch_seconds=20.0, validation=150
    )
    space = space_of(config, both)
    trials = [
        Trial(number=i, kind=kind, origin=Origin.CONTROL, state=TrialState.FINISHED, reward=0.5, seconds=1.0)
        for i, kind in enumerate(controls(both))
    ]
    trials += [
        Trial(
            number=len(trials) + i,
            kind=Kind.NETWORK,
            origin=Origin.STRATEGY,
            state=TrialState.FINISHED,
            vector=vector,
            key=space.key(vector),
            reward=0.6,
            seconds=4.0,
        )
        for i, vector in enumerate(space.starts)
    ]
    return config, both, trials


def test_the_prefilter_goes_on_where_no_time_is_left_to_train_the_trunk() -> None:
    config, both, trials = of_any_space(prefilter=True)
    late = Clock(elapsed=540.0, exported=len(controls(both)), since_export=1.0)
    step = decide(config, both, trials, late, space_of(config, both))
    assert isinstance(step, TrainStep)
    assert step.kind is Kind.NETWORK
    assert schedule(both, step.vector) != TUNED


def test_a_lost_network_that_takes_too_long_does_not_end_the_search() -> None:
    config, both, trials = of_any_space()
    place = next(i for i, trial in enumerate(trials) if schedule(both, trial.vector) == TUNED)
    trials[place] = dataclasses.replace(trials[place], state=TrialState.QUEUED, reward=None, seconds=None)
    late = Clock(elapsed=540.0, exported=len(controls(both)), since_export=1.0)
    step = decide(config, both, trials, late, space_of(config, both))
    assert isinstance(step, TrainStep)
    assert step.kind is Kind.NETWORK
    assert step.number == len(trials)


@pytest.mark.parametrize("slots", [1, 2, 4, 8, 16])
def test_no_network_takes_most_of_the_time_however_many_slots_share_a_search(slots: int) -> None:
    rates = dataclasses.replace(RATES, scratch={r: 300.0 * (32 / r) ** 2 for r in RESOLUTIONS}, tune=40.0)
    made = plan(10, 3000, rates, space="any", slots=slots)
    assert made.tune_seconds <= 150
    assert not made.scratch_epochs or made.scratch_seconds <= 300
