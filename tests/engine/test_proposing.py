"""Which network comes next: arms, rungs, repeats, limits and what is refused."""

from __future__ import annotations

import dataclasses
import random

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.errors import SearchEngineError
from search_engine.families import rungs
from search_engine.fidelity.rungs import Rung
from search_engine.finishing import best_model
from search_engine.proposing import (
    RACING,
    REPEATS,
    Candidate,
    _answered,
    check_limits,
    incumbent,
    propose,
    space_of,
)
from search_engine.reserve import MOST_MEMBERS
from search_engine.search import decide
from search_engine.space.architecture import Genome
from search_engine.space.base import Decision, GenomeSpace, VectorSpace
from search_engine.space.proxies import proxies
from search_engine.steps import Clock, DoneStep, ExportStep, TrainStep
from search_engine.strategies import STRATEGIES
from search_engine.trial import Kind, Origin, Trial, TrialState, Vector

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=1000,
    epochs=27,
    trial_seconds=5.0,
    prepare_seconds=10.0,
    finish_seconds=10.0,
    classes=6,
)
CONFIG = SearchConfig(budget_seconds=600.0, seed=3, strategy="evolution", ensemble=False)
CONTROLS = [
    Trial(0, Kind.MAJORITY, Origin.CONTROL, TrialState.FINISHED, reward=0.2, seconds=0.1, epochs=0),
    Trial(1, Kind.LINEAR_PROBE, Origin.CONTROL, TrialState.FINISHED, reward=0.5, seconds=2.0, epochs=1),
]


def settings(**changes: object) -> SearchConfig:
    return dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]


def worth(key: str, epochs: int) -> float:
    """More epochs, and a good draw, make a better network."""
    return 0.5 + 0.4 * random.Random(key).random() * (1 - 1 / (1 + epochs))


def played(
    config: SearchConfig, space: GenomeSpace | None = None, *, slower: float = 1.0
) -> tuple[list[Trial], list[ExportStep]]:
    """A whole search on one slot; an epoch takes ``slower`` times as long as planned."""
    space = space or space_of(config, PLAN)
    trials, now = list(CONTROLS), PLAN.prepare_seconds
    exports: list[ExportStep] = []
    while True:
        exported = exports[-1].number if exports else None
        clock = Clock(elapsed=now, exported=exported, since_export=100.0 if exports else None)
        step = decide(config, PLAN, trials, clock, space)
        if isinstance(step, ExportStep):
            exports.append(step)
            if step.final:
                return trials, exports
            continue
        assert isinstance(step, TrainStep), step
        seconds = slower * PLAN.trial_seconds / PLAN.epochs * step.epochs
        seconds *= 1.2 if step.kind is Kind.REFIT else 1.0
        seconds = 0.0 if step.repeat_of is not None else seconds
        now += seconds
        trials.append(
            Trial(
                step.number,
                step.kind,
                step.origin,
                TrialState.FINISHED,
                step.vector,
                step.key,
                step.parent,
                reward=None if step.kind is Kind.REFIT else worth(step.key, step.epochs),
                seconds=seconds,
                rung=step.rung,
                epochs=step.epochs,
                drawn=step.drawn,
                members=tuple((number, 1.0) for number in step.rivals[:MOST_MEMBERS]),
            )
        )


def networks(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.kind is Kind.NETWORK]


def test_rungs_are_thirds_of_the_plan_down_to_what_ranks_anything() -> None:
    plan = dataclasses.replace(PLAN, epochs=40)
    assert rungs(settings(), plan) == (Rung(40),)
    assert rungs(settings(fidelity="asha"), plan) == (Rung(4), Rung(13), Rung(40))
    assert rungs(settings(fidelity="halving"), dataclasses.replace(PLAN, epochs=6)) == (Rung(6),)
    fewer = rungs(settings(fidelity="asha", saving="pictures"), plan)
    assert [round(rung.share, 3) for rung in fewer] == [0.111, 0.333, 1.0]
    assert {rung.epochs for rung in fewer} == {40}
    assert rungs(settings(fidelity="asha", saving="resolution"), plan) == (Rung(40, scale=0.5), Rung(40))
    assert [rung.cost for rung in rungs(settings(fidelity="asha", saving="resolution"), plan)] == [10.0, 40.0]


@pytest.mark.parametrize("fidelity", ["asha", "halving"])
def test_a_search_over_rungs_trains_many_for_little_and_few_in_full(fidelity: str) -> None:
    config = settings(fidelity=fidelity, budget_seconds=300.0)
    trials, exports = played(config)
    ladder = rungs(config, PLAN)
    assert len(ladder) == 2
    short = [t for t in networks(trials) if t.rung == 0]
    full = [t for t in networks(trials) if t.rung == 1]
    assert len(short) > len(full) > 3
    climbed = {t.key for t in full if t.origin is Origin.STRATEGY}
    assert climbed <= {t.key for t in short}
    floor = sorted((t.reward or 0.0 for t in short), reverse=True)[len(short) // 2]
    reached = {t.key: t.reward or 0.0 for t in short}
    assert sum(reached[key] >= floor for key in climbed) >= 0.8 * len(climbed)
    won = next(t for t in trials if t.number == exports[-1].number)
    assert won.rung == 1
    assert won == best_model(config, PLAN, trials)
    pairs = [(t.key, t.rung) for t in networks(trials)]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("fidelity", ["asha", "halving"])
@pytest.mark.parametrize("slower", [0.3, 1.0, 3.0])
def test_the_last_rung_is_reached_and_time_used_on_a_machine_unlike_the_plan(
    fidelity: str, slower: float
) -> None:
    config = settings(fidelity=fidelity, random_share=0.0, budget_seconds=300.0)
    trials, exports = played(config, slower=slower)
    full = [t for t in networks(trials) if t.rung == 1]
    assert len(full) >= 3
    assert exports[-1].number in {t.number for t in full}
    spent = sum(t.seconds or 0.0 for t in networks(trials))
    assert spent > 0.75 * PLAN.search_seconds(config)


@pytest.mark.parametrize("fidelity", ["asha", "halving"])
def test_a_number_of_networks_is_shared_out_over_the_rungs(fidelity: str) -> None:
    config = settings(fidelity=fidelity, max_trials=40, budget_seconds=3600.0)
    trials, exports = played(config)
    rung = [t.rung for t in networks(trials)]
    assert 34 <= len(rung) <= 40
    assert rung.count(1) >= 6
    assert exports[-1].final


@pytest.mark.parametrize("fidelity", ["asha", "halving"])
@pytest.mark.parametrize("slower", [0.5, 0.8])
def test_the_time_is_used_up_on_a_machine_that_is_faster_than_planned(fidelity: str, slower: float) -> None:
    config = settings(fidelity=fidelity, budget_seconds=150.0, strategy="random", ensemble=True)
    trials, _ = played(config, slower=slower)
    used = PLAN.prepare_seconds + sum(t.seconds or 0.0 for t in trials if t not in CONTROLS)
    assert used + PLAN.finish_seconds + 3 * PLAN.trial_seconds > config.budget_seconds


def test_the_random_arm_does_not_take_the_places_of_the_last_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.test_proposing.PLAN", dataclasses.replace(PLAN, epochs=40))
    trials, _ = played(settings(fidelity="halving", budget_seconds=150.0, strategy="random", ensemble=True))
    full = [t.origin for t in networks(trials) if t.rung == 2]
    assert full.count(Origin.STRATEGY) >= full.count(Origin.RANDOM) >= 2


@pytest.mark.parametrize("fidelity", ["full", "asha", "halving"])
def test_the_random_arm_is_trained_in_full_and_gets_its_share_of_the_epochs(fidelity: str) -> None:
    config = settings(fidelity=fidelity, random_share=0.2, budget_seconds=300.0)
    trials, _ = played(config)
    ladder = rungs(config, PLAN)
    drawn = [t for t in networks(trials) if t.origin is Origin.RANDOM]
    assert {t.rung for t in drawn} == {len(ladder) - 1}
    spent = sum(ladder[t.rung].cost for t in networks(trials))
    assert abs(len(drawn) * ladder[-1].cost - 0.2 * spent) <= ladder[-1].cost


@pytest.mark.parametrize("strategy", sorted(STRATEGIES.keys() - {"enas"}))  # which goes with full only
@pytest.mark.parametrize("fidelity", ["asha", "halving"])
def test_every_strategy_works_with_every_scheduler(strategy: str, fidelity: str) -> None:
    config = settings(strategy=strategy, fidelity=fidelity, budget_seconds=200.0)
    trials, exports = played(config)
    assert len(networks(trials)) > 10
    assert exports[-1].final


class Four(VectorSpace):
    """Four candidates, which is soon used up."""

    def __init__(self) -> None:
        self.inner = space_of(settings(), PLAN)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return (Decision("a", (0, 1)), Decision("b", (0, 1)))

    def key(self, vector: Vector) -> str:
        return ",".join(map(str, vector))

    def decode(self, vector: Vector) -> Genome:
        return self.inner.decode(self.inner.starts[0])

    def encode(self, genome: Genome) -> Vector:
        raise NotImplementedError


@pytest.mark.parametrize("strategy", ["random", "evolution", "predictor", "reinforce", "local"])
def test_a_repeat_is_answered_and_a_used_up_space_ends_the_search(strategy: str) -> None:
    trials, exports = played(settings(strategy=strategy, budget_seconds=6000.0), Four())
    tried = networks(trials)
    assert [t.seconds == 0.0 for t in tried] == [False] * 4 + [True] * (len(tried) - 4)
    assert len(tried) <= 4 + REPEATS
    assert exports[-1].final


def test_a_repeat_names_the_trial_that_answers_it() -> None:
    config, space = settings(), Four()
    known = [
        Trial(i, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, v, space.key(v), reward=0.5)
        for i, v in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)], start=2)
    ]
    found = propose(config, PLAN, known, known, space)
    assert isinstance(found, Candidate)
    assert found.repeat_of is not None
    assert known[found.repeat_of - 2].vector == found.vector


def test_a_repeat_still_says_of_how_many_it_was_picked() -> None:
    """Else the prefilter would take it for a network that no filter chose."""
    known = [Trial(2, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, (0, 0), "00", reward=0.5)]
    found = Candidate(origin=Origin.STRATEGY, vector=(0, 0), parent=None, rung=0, drawn=4)
    same = Four()
    answered = _answered(found, [dataclasses.replace(known[0], key=same.key((0, 0)))], same)
    assert (answered.repeat_of, answered.drawn) == (2, 4)


def test_shared_weights_are_left_out_where_there_is_no_time_for_them() -> None:
    """A supernet with less than no time would never end."""
    config = settings(strategy="enas", space="cells", budget_seconds=60.0)
    plan = dataclasses.replace(PLAN, space="cells", resolution=32, control_resolution=96)
    space = space_of(config, plan)

    def kind(elapsed: float) -> Kind | None:
        clock = Clock(elapsed=elapsed, exported=1, since_export=0.0)
        step = decide(config, plan, CONTROLS, clock, space)
        return step.kind if isinstance(step, TrainStep) else None

    assert kind(15.0) is Kind.SUPERNET
    assert kind(42.0) is not Kind.SUPERNET
    assert kind(100.0) is None


def trained(number: int, reward: float | None, **changes: object) -> Trial:
    space = space_of(settings(), PLAN)
    vector = space.sample(random.Random(number))
    state = TrialState.FAILED if reward is None else TrialState.FINISHED
    made = Trial(number, Kind.NETWORK, Origin.STRATEGY, state, vector, space.key(vector), reward=reward)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_nobody_has_to_beat_anybody_before_enough_are_known() -> None:
    few = [trained(n, 0.6) for n in range(2, 2 + RACING - 1)]
    assert incumbent(settings(), PLAN, few, 0) is None
    enough = [*few, trained(20, 0.8), trained(21, 0.95, killed=True), trained(22, 0.97, fits=False)]
    assert incumbent(settings(), PLAN, enough, 0) == 0.8
    assert incumbent(settings(), PLAN, enough, 1) is None
    assert incumbent(settings(early_stop=False), PLAN, enough, 0) is None
    assert incumbent(settings(objective="mnasnet", max_latency_ms=9.0), PLAN, enough, 0) is None


def test_a_short_training_has_to_be_among_those_that_climb_and_not_the_best() -> None:
    short = [trained(n, 0.5 + n / 100) for n in range(2, 14)]  # twelve, of which four climb
    assert incumbent(settings(fidelity="asha"), PLAN, short, 0) == pytest.approx(0.59)
    full = [dataclasses.replace(trial, rung=1) for trial in short]
    assert incumbent(settings(fidelity="asha"), PLAN, full, 1) == pytest.approx(0.63)


def test_a_network_that_was_ended_early_does_not_answer_the_random_arm() -> None:
    space = Four()
    known = [
        Trial(i, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, v, space.key(v), reward=0.5, killed=True)
        for i, v in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)], start=2)
    ]
    drawn = propose(settings(random_share=1.0), PLAN, known, known, space)
    assert drawn is not None
    assert (drawn.origin, drawn.repeat_of) == (Origin.RANDOM, None)


def test_what_is_over_a_limit_never_wins() -> None:
    best = trained(2, 0.9, fits=False)
    second = trained(3, 0.8)
    step = decide(settings(), PLAN, [*CONTROLS, best, second], Clock(elapsed=599), space_of(CONFIG, PLAN))
    assert isinstance(step, TrainStep)
    assert (step.kind, step.parent) == (Kind.REFIT, 3)
    probe = dataclasses.replace(CONTROLS[1], fits=False)
    ended = decide(settings(), PLAN, [CONTROLS[0], probe, best], Clock(elapsed=599), space_of(CONFIG, PLAN))
    assert isinstance(ended, DoneStep)
    assert ended.failed
    assert "limits" in ended.reason


def test_a_bound_on_latency_is_told_to_the_engine_and_a_target_is_not() -> None:
    space = space_of(CONFIG, PLAN)
    bounded = decide(settings(max_latency_ms=9.0), PLAN, CONTROLS, Clock(elapsed=20, exported=1), space)
    aimed = decide(
        settings(max_latency_ms=9.0, objective="mnasnet"),
        PLAN,
        CONTROLS,
        Clock(elapsed=20, exported=1),
        space,
    )
    assert isinstance(bounded, TrainStep)
    assert isinstance(aimed, TrainStep)
    assert (bounded.max_latency_ms, aimed.max_latency_ms) == (9.0, None)


def test_limits_that_nothing_can_keep_are_refused_before_the_search() -> None:
    with pytest.raises(SearchEngineError, match="from scratch"):
        check_limits(settings(max_latency_ms=5.0), PLAN, 7.5)
    with pytest.raises(SearchEngineError, match="parameters"):
        check_limits(settings(max_parameters=1_000_000), PLAN, 7.5)
    check_limits(settings(max_latency_ms=8.0, max_parameters=4_000_000), PLAN, 7.5)


def test_a_start_that_cannot_be_tried_is_refused_before_the_search() -> None:
    cells = space_of(settings(space="cells"), dataclasses.replace(PLAN, space="cells", resolution=32))
    stranger = cells.decode(cells.starts[0]).to_dict()
    with pytest.raises(SearchEngineError, match="another kind"):
        check_limits(settings(start=stranger), PLAN, 1.0)
    own = space_of(settings(), PLAN)
    large = own.decode(own.starts[0]).to_dict()
    check_limits(settings(start=large), PLAN, 1.0)
    with pytest.raises(SearchEngineError, match="limit"):
        check_limits(settings(start=large, max_parameters=3_400_000), PLAN, 1.0)


@pytest.mark.parametrize("foretells", [True, False])
def test_size_chooses_among_proposals_only_while_it_foretells_accuracy(foretells: bool) -> None:
    config = settings(prefilter=True, random_share=0.0)
    space, rng = space_of(config, PLAN), random.Random(5)
    known = []
    for number in range(2, 40):
        vector = space.starts[number - 2] if number < 2 + len(space.starts) else space.sample(rng)
        size = proxies(space.decode(vector), PLAN.classes).parameters
        reward = size / 100 if foretells else rng.random()
        key = space.key(vector)
        known.append(
            Trial(number, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, vector, key, reward=reward)
        )
    found = propose(config, PLAN, known, known, space)
    plain = propose(settings(random_share=0.0), PLAN, known, known, space)
    assert found is not None
    assert plain is not None
    assert found.drawn == (4 if foretells else 1)
    sizes = [sum(proxies(space.decode(each.vector), PLAN.classes)) for each in (found, plain)]
    assert sizes[0] >= sizes[1]
    if not foretells:
        assert found == plain
    filtered = [dataclasses.replace(trial, drawn=4) for trial in known]
    assert (
        propose(config, PLAN, filtered, filtered, space) == plain
    )  # a filter's choice is no evidence for it
