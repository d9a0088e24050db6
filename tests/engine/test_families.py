"""Two kinds of networks in one search: each with its own length, and the worse one given up."""

from __future__ import annotations

import dataclasses

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.families import open_families, verdict
from search_engine.planner import Rates, make_plan
from search_engine.proposing import space_of
from search_engine.search import decide
from search_engine.space.union import FAMILIES, SCRATCH, TRUNK, family_of
from search_engine.steps import Clock, ExportStep, TrainStep
from search_engine.trial import Kind, Origin, Trial, TrialState

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=1200,
    epochs=10,
    trial_seconds=3.0,
    prepare_seconds=10.0,
    finish_seconds=10.0,
    space="any",
    classes=5,
    scratch_resolution=32,
    scratch_epochs=20,
    scratch_seconds=12.0,
    validation=200,
)
CONFIG = SearchConfig(budget_seconds=240.0, seed=3, space="any")
CONTROLS = [
    Trial(0, Kind.MAJORITY, Origin.CONTROL, TrialState.FINISHED, reward=0.2, seconds=0.1, epochs=0),
    Trial(1, Kind.LINEAR_PROBE, Origin.CONTROL, TrialState.FINISHED, reward=0.5, seconds=2.0, epochs=1),
]


def played(worth: dict[str, float], config: SearchConfig = CONFIG) -> list[TrainStep]:
    """The networks of a whole search on one slot, where each family is worth the same all the time."""
    space, trials, now = space_of(config, PLAN), list(CONTROLS), PLAN.prepare_seconds
    steps: list[TrainStep] = []
    while True:
        exported = 1 if trials is not CONTROLS else None
        step = decide(config, PLAN, trials, Clock(elapsed=now, exported=exported, since_export=0.0), space)
        if isinstance(step, ExportStep) or (isinstance(step, TrainStep) and step.kind is Kind.ENSEMBLE):
            return steps
        assert isinstance(step, TrainStep)
        name = family_of(step.vector)
        seconds = PLAN.scratch_seconds if name == SCRATCH else PLAN.trial_seconds
        now += seconds
        steps.append(step)
        trials.append(
            Trial(
                step.number,
                step.kind,
                step.origin,
                TrialState.FINISHED,
                step.vector,
                step.key,
                step.parent,
                reward=worth[name],
                seconds=seconds,
                epochs=step.epochs,
            )
        )


@pytest.mark.parametrize(("better", "worse"), [(TRUNK, SCRATCH), (SCRATCH, TRUNK)])
def test_both_families_begin_and_the_one_that_is_clearly_worse_is_given_up(better: str, worse: str) -> None:
    steps = played({better: 0.9, worse: 0.6})
    names = [family_of(step.vector) for step in steps]
    assert set(names[:2]) == set(FAMILIES)
    assert set(names[2:]) == {better}
    assert len(names) > 8


def test_what_is_within_the_noise_stays_open_and_each_family_has_its_own_epochs() -> None:
    steps = played({TRUNK: 0.80, SCRATCH: 0.84})
    assert {family_of(step.vector) for step in steps[4:]} == set(FAMILIES)
    for step in steps:
        scratch = family_of(step.vector) == SCRATCH
        assert step.epochs == (20 if scratch else 10)
        assert step.genome is not None
        assert step.genome.resolution == (32 if scratch else 128)


def test_the_verdict_is_a_sentence_with_both_figures() -> None:
    space = space_of(CONFIG, PLAN)
    trials = [
        Trial(n, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, v, space.key(v), reward=r)
        for n, (v, r) in enumerate(zip(space.starts, (0.9, 0.81, 0.88, 0.5), strict=True), start=2)
    ]
    assert open_families(CONFIG, PLAN, trials[:2]) == FAMILIES
    assert verdict(CONFIG, PLAN, trials[:2]) == ""
    assert open_families(CONFIG, PLAN, trials) == (TRUNK,)
    assert verdict(CONFIG, PLAN, trials) == "Networks from scratch were given up: best 81% against 90%."


def test_what_is_plain_to_see_needs_one_network_only() -> None:
    space = space_of(CONFIG, PLAN)
    trials = [
        Trial(n, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, v, space.key(v), reward=r)
        for n, (v, r) in enumerate(zip(space.starts[:2], (0.9, 0.6), strict=True), start=2)
    ]
    assert open_families(CONFIG, PLAN, trials) == (TRUNK,)


def test_family_that_there_is_no_time_for_leaves_the_time_to_the_other() -> None:
    steps = played({TRUNK: 0.84, SCRATCH: 0.80}, dataclasses.replace(CONFIG, budget_seconds=60.0))
    names = [family_of(step.vector) for step in steps]
    assert SCRATCH in names
    assert names[-3:] == [TRUNK] * 3


def test_limits_that_the_trunk_is_beyond_leave_networks_from_scratch() -> None:
    slow = dataclasses.replace(PLAN, rates={"trunk_latency_ms": 8.0})
    assert open_families(dataclasses.replace(CONFIG, max_latency_ms=5.0), slow, []) == (SCRATCH,)
    small = dataclasses.replace(CONFIG, max_parameters=500_000)
    assert open_families(small, PLAN, []) == (SCRATCH,)
    assert {family_of(step.vector) for step in played({SCRATCH: 0.7}, small)} == {SCRATCH}


@pytest.mark.parametrize(("minutes", "tried"), [(0.5, False), (5.0, True)])
def test_networks_from_scratch_are_planned_where_time_allows(minutes: float, tried: bool) -> None:
    extract = {96: 220.0, 128: 139.0, 160: 95.0, 192: 70.0, 224: 54.0}
    rates = Rates(
        decode=400.0,
        extract=extract,
        train=dict.fromkeys(extract, 1500.0),
        scratch={32: 700.0, 48: 311.0, 64: 175.0},
    )
    config = SearchConfig(budget_seconds=60 * minutes, space="any")
    made = make_plan(config, rates, trunk="efficientnet_lite0", pictures=1500, test_pictures=300, spent=2.0)
    assert bool(made.scratch_epochs) is tried
    assert Plan.from_dict(made.to_dict()) == made
    assert open_families(config, made, []) == (FAMILIES if tried else (TRUNK,))
