"""What happens in a search, played with made-up slots on a made-up clock."""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from itertools import pairwise

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.proposing import space_of
from search_engine.search import decide, trial_seed
from search_engine.steps import Clock, DoneStep, ExportStep, Part, Step, TrainStep, WaitStep
from search_engine.trial import Kind, Origin, Trial, TrialState

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=1000,
    epochs=8,
    trial_seconds=5.0,
    prepare_seconds=10.0,
    finish_seconds=12.0,
)
SPACE = space_of(SearchConfig(budget_seconds=60.0), PLAN)


def config(budget: float = 300, **changes: object) -> SearchConfig:
    settings = SearchConfig(budget_seconds=budget, seed=4, strategy="evolution")  # the quickest to ask
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]


class Simulator:
    """Slots that take their steps from ``decide`` and spend made-up seconds on them.

    A third of the networks take longer than planned, one in nine fails; exports take 6 seconds, the final one
    ``finish_seconds`` and the fit again 1.2 times the training.
    """

    def __init__(
        self, settings: SearchConfig, *, slots: int, stop_at: float = 1e9, fail_all: bool = False
    ) -> None:
        self.config = dataclasses.replace(settings, slots=slots)
        self.slots = slots
        self.stop_at = stop_at
        self.fail_all = fail_all
        self.now = PLAN.prepare_seconds
        self.trials: dict[int, Trial] = {}
        self.busy: dict[int, tuple[float, TrainStep | ExportStep]] = {}
        self.exports: list[tuple[float, ExportStep]] = []
        self.order: list[TrainStep] = []
        self.members: dict[int, tuple[int, ...]] = {}
        self.asked: list[tuple[list[Trial], Clock, Step]] = []
        self.ending: DoneStep | None = None

    @property
    def clock(self) -> Clock:
        provisional = [(at, step) for at, step in self.exports if not step.final]
        return Clock(
            elapsed=self.now,
            exported=provisional[-1][1].number if provisional else None,
            since_export=self.now - provisional[-1][0] if provisional else None,
            exporting=any(isinstance(step, ExportStep) for _, step in self.busy.values()),
            finished=any(step.final for _, step in self.exports),
            stop_requested=self.now >= self.stop_at,
        )

    def run(self) -> Simulator:
        while self.ending is None:
            for slot in range(self.slots):
                if slot not in self.busy:
                    self.ask(slot)
            if self.busy:
                self.advance()
            elif self.ending is None:
                raise AssertionError(f"nobody works and nobody is done at {self.now}: {self.asked[-1]}")
        return self

    def ask(self, slot: int) -> None:
        trials = list(self.trials.values())
        step = decide(self.config, PLAN, trials, self.clock, SPACE)
        self.asked.append((trials, self.clock, step))
        if isinstance(step, TrainStep):
            state = TrialState.RUNNING
            self.trials[step.number] = Trial(
                step.number, step.kind, step.origin, state, step.vector, step.key, step.parent
            )
            self.order.append(step)
            self.busy[slot] = (self.now + self.seconds(step), step)
        elif isinstance(step, ExportStep):
            self.busy[slot] = (self.now + self.seconds(step), step)
        elif isinstance(step, DoneStep):
            self.ending = step

    def seconds(self, step: TrainStep | ExportStep) -> float:
        if isinstance(step, ExportStep):
            return PLAN.finish_seconds if step.final else 6.0
        if step.kind is Kind.ENSEMBLE:
            return 0.5
        if step.kind is Kind.REFIT:
            return min(step.seconds, 1.2 * (self.trials[step.parent or 0].seconds or 0))
        if step.kind is not Kind.NETWORK:
            return 0.1 if step.kind is Kind.MAJORITY else 3.0
        slow = 2.5 if step.number % 3 == 0 else 0.9
        return min(step.seconds, PLAN.trial_seconds * slow) + 0.2

    def advance(self) -> None:
        slot = min(self.busy, key=lambda each: (self.busy[each][0], each))
        until, step = self.busy.pop(slot)
        if until > self.stop_at and isinstance(step, TrainStep):
            self.now = max(self.now, self.stop_at)  # stopped at once
            self.end(step, TrialState.CANCELLED, None, None)
            return
        started, self.now = self.now, max(self.now, until)
        if isinstance(step, ExportStep):
            self.exports.append((self.now, step))
            return
        failed = self.fail_all or (step.kind is Kind.NETWORK and step.number % 9 == 8)
        if step.kind is Kind.REFIT:
            self.end(step, TrialState.FINISHED, None, until - started)
            return
        if step.kind is Kind.ENSEMBLE:
            self.members[step.number] = step.rivals[:3]
        reward = {Kind.MAJORITY: 0.3, Kind.LINEAR_PROBE: 0.7, Kind.ENSEMBLE: 0.95}.get(step.kind, 0.0)
        reward = reward or 0.6 + 0.3 * random.Random(step.key).random()
        took = max(0.1, until - started) if self.slots == 1 else self.seconds(step)
        self.end(
            step,
            TrialState.FAILED if failed else TrialState.FINISHED,
            None if failed else reward,
            took,
        )

    def end(self, step: TrainStep, state: TrialState, reward: float | None, seconds: float | None) -> None:
        running = self.trials[step.number]
        together = self.members.get(step.number, ())
        members = tuple((number, 1.0 / len(together)) for number in together)
        self.trials[step.number] = dataclasses.replace(
            running, state=state, reward=reward, seconds=seconds, members=members
        )


@cache
def whole(budget: float = 300, *, slots: int) -> Simulator:
    """A whole search, played once for all tests that only look at it."""
    return Simulator(config(budget), slots=slots).run()


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("budget", [60, 120, 300, 900])
def test_a_whole_search_keeps_its_promises(slots: int, budget: float) -> None:
    played = whole(budget, slots=slots)
    numbers = [step.number for step in played.order]
    assert numbers == list(range(len(numbers)))
    assert [step.kind for step in played.order[:2]] == [Kind.MAJORITY, Kind.LINEAR_PROBE]
    assert played.now <= budget * 1.05
    assert played.now >= budget * 0.8  # the time that was given is used
    finals = [step for _, step in played.exports if step.final]
    assert len(finals) == 1
    assert played.exports[-1][1] is finals[0]
    best = max(
        (t for t in played.trials.values() if t.reward is not None), key=lambda t: (t.reward or 0, -t.number)
    )
    assert finals[0].number == best.number
    assert best.kind is Kind.ENSEMBLE
    refits = [t for t in played.trials.values() if t.kind is Kind.REFIT]
    assert {t.parent for t in refits} <= {part.number for part in finals[0].parts}
    assert {t.number for t in refits} == {part.weights for part in finals[0].parts if part.refit}
    assert isinstance(played.ending, DoneStep)
    assert not played.ending.failed


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_more_slots_train_more_networks(slots: int) -> None:
    assert len(whole(900, slots=slots).trials) >= 68 * slots


def test_networks_wait_for_the_controls() -> None:
    played = whole(slots=4)
    for trials, _, step in played.asked:
        if isinstance(step, TrainStep) and step.kind is Kind.NETWORK:
            assert all(t.state is TrialState.FINISHED for t in trials if t.origin is Origin.CONTROL)
    assert any(isinstance(step, WaitStep) for _, _, step in played.asked)


def test_the_first_model_is_there_right_after_the_linear_probe() -> None:
    played = whole(slots=2)
    at, first = played.exports[0]
    assert first == ExportStep(number=1, final=False, parts=(Part(1, 1),))
    assert at < PLAN.prepare_seconds + 12


def test_provisional_exports_are_each_better_and_apart() -> None:
    played = whole(900, slots=2)
    provisional = [(at, step.number) for at, step in played.exports if not step.final]
    rewards = [played.trials[number].reward or 0 for _, number in provisional]
    assert rewards == sorted(set(rewards))
    assert all(b[0] - a[0] >= 30 for a, b in pairwise(provisional))
    assert len(provisional) > 1


def test_only_one_export_at_a_time() -> None:
    played = whole(900, slots=4)
    assert not [s for _, clock, s in played.asked if clock.exporting and isinstance(s, ExportStep)]


@pytest.mark.parametrize("slots", [1, 4])
def test_replay_gives_the_same_decisions(slots: int) -> None:
    played = whole(slots=slots)
    for trials, clock, step in played.asked:
        assert decide(played.config, PLAN, trials[::-1], clock, space_of(played.config, PLAN)) == step


def test_no_network_is_trained_twice() -> None:
    keys = [step.key for step in whole(900, slots=4).order if step.kind is Kind.NETWORK]
    assert len(set(keys)) == len(keys)


def test_the_random_arm_gets_its_share_evenly() -> None:
    for share in (0.0, 0.15, 0.5, 1.0):
        order = Simulator(config(400, random_share=share), slots=1).run().order
        origins = [step.origin for step in order if step.kind is Kind.NETWORK]
        for count in range(1, len(origins) + 1):
            assert abs(origins[:count].count(Origin.RANDOM) - share * count) <= 1


def test_every_trial_has_a_seed_of_its_own() -> None:
    order = whole(slots=2).order
    first = [step for step in order if step.kind is not Kind.REFIT]
    assert len({step.seed for step in first}) == len(first)
    assert all(step.seed == trial_seed(4, step.number) for step in first)
    refits = [step for step in order if step.kind is Kind.REFIT]
    assert refits
    assert all(step.seed == trial_seed(4, step.parent or 0) for step in refits)
    assert trial_seed(4, 7) != trial_seed(5, 7)


def test_no_network_is_given_more_time_than_is_left() -> None:
    played = Simulator(config(120), slots=4).run()
    for _, clock, step in played.asked:
        if isinstance(step, TrainStep) and step.kind is Kind.NETWORK:
            assert step.seconds <= 3 * PLAN.trial_seconds
            assert clock.elapsed + step.seconds + PLAN.finish_seconds < 120


def test_the_number_of_networks_can_be_limited() -> None:
    played = Simulator(config(1200, max_trials=5), slots=4).run()
    assert sum(t.kind is Kind.NETWORK for t in played.trials.values()) == 5
    assert played.now < 100
    assert played.exports[-1][1].final


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_stop_keeps_the_best_so_far(slots: int) -> None:
    played = Simulator(config(1200), slots=slots, stop_at=100.0).run()
    assert played.now < 100 + 6 + PLAN.finish_seconds + 1
    last = played.exports[-1][1]
    assert (last.final, last.refit) == (True, False)
    assert not [
        step
        for _, clock, step in played.asked
        if clock.stop_requested and isinstance(step, TrainStep) and step.kind is not Kind.ENSEMBLE
    ]


def test_stop_before_anything_is_trained_just_ends() -> None:
    step = decide(config(), PLAN, [], Clock(elapsed=12, stop_requested=True), SPACE)
    assert isinstance(step, DoneStep)
    assert not step.failed


@pytest.mark.parametrize("slots", [1, 3])
def test_a_search_in_which_everything_fails_says_so(slots: int) -> None:
    played = Simulator(config(120), slots=slots, fail_all=True).run()
    assert isinstance(played.ending, DoneStep)
    assert played.ending.failed
    assert "trained" in played.ending.reason
    assert played.exports == []


def finished(number: int, kind: Kind, reward: float | None, seconds: float = 4.0) -> Trial:
    origin = Origin.STRATEGY if kind is Kind.NETWORK else Origin.CONTROL
    state = TrialState.FAILED if reward is None else TrialState.FINISHED
    vector = SPACE.sample(random.Random(number)) if kind is Kind.NETWORK else ()
    return Trial(
        number,
        kind,
        origin,
        state,
        vector,
        SPACE.key(vector) if vector else "",
        reward=reward,
        seconds=seconds,
    )


CONTROLS = [finished(0, Kind.MAJORITY, 0.6), finished(1, Kind.LINEAR_PROBE, 0.5)]


def test_a_model_that_always_says_the_same_label_is_never_handed_out() -> None:
    step = decide(config(), PLAN, CONTROLS, Clock(elapsed=280), SPACE)
    assert isinstance(step, TrainStep)
    assert (step.kind, step.trains, step.parent) == (Kind.REFIT, Kind.LINEAR_PROBE, 1)
    refit = dataclasses.replace(finished(2, Kind.REFIT, 0.0), reward=None, parent=1)
    last = decide(config(), PLAN, [*CONTROLS, refit], Clock(elapsed=290), SPACE)
    assert last == ExportStep(number=1, final=True, parts=(Part(1, 2),))
    only = [CONTROLS[0], finished(1, Kind.LINEAR_PROBE, None)]
    assert decide(config(), PLAN, only, Clock(elapsed=290), SPACE) == DoneStep(
        "No network could be trained; the trials say why.", failed=True
    )


def test_the_controls_run_even_when_time_is_short() -> None:
    step = decide(config(10), PLAN, [], Clock(elapsed=9), SPACE)
    assert isinstance(step, TrainStep)
    assert (step.kind, step.genome, step.seconds) == (Kind.MAJORITY, None, PLAN.trial_seconds)


def test_a_failed_control_does_not_stop_the_search() -> None:
    trials = [finished(0, Kind.MAJORITY, None), finished(1, Kind.LINEAR_PROBE, None)]
    step = decide(config(), PLAN, trials, Clock(elapsed=20), SPACE)
    assert isinstance(step, TrainStep)
    assert step.kind is Kind.NETWORK


def test_a_trial_that_lost_its_worker_comes_first_and_unchanged() -> None:
    lost = dataclasses.replace(finished(2, Kind.NETWORK, None), state=TrialState.QUEUED, parent=None)
    clock = Clock(elapsed=30, exported=1, since_export=5)
    step = decide(config(), PLAN, [*CONTROLS, lost], clock, SPACE)
    assert isinstance(step, TrainStep)
    assert step.retry
    assert (step.number, step.vector, step.key) == (2, lost.vector, lost.key)
    assert step.seed == trial_seed(4, 2)
    probe = dataclasses.replace(CONTROLS[1], state=TrialState.QUEUED, reward=None)
    again = decide(config(), PLAN, [CONTROLS[0], probe], clock, SPACE)
    assert isinstance(again, TrainStep)
    assert (again.number, again.kind, again.retry) == (1, Kind.LINEAR_PROBE, True)


def test_a_lost_trial_does_not_hold_up_the_end() -> None:
    lost = dataclasses.replace(finished(2, Kind.NETWORK, None), state=TrialState.QUEUED)
    step = decide(config(), PLAN, [*CONTROLS, lost], Clock(elapsed=295, exported=1, since_export=90), SPACE)
    assert step == ExportStep(number=1, final=True, parts=(Part(1, 1),))


def test_the_final_fit_is_left_out_when_it_would_break_the_budget() -> None:
    slow = finished(2, Kind.NETWORK, 0.9, seconds=60.0)
    alone = config(ensemble=False)
    step = decide(alone, PLAN, [*CONTROLS, slow], Clock(elapsed=287), SPACE)
    assert step == ExportStep(number=2, final=True, parts=(Part(2, 2),))


def test_slower_networks_than_planned_are_planned_for() -> None:
    slow = [finished(n, Kind.NETWORK, 0.5, seconds=14.0) for n in (2, 3, 4)]
    clock = Clock(elapsed=300 - 12 - 2 - 3 * 1.3 * 14 - 10, exported=1, since_export=90)
    late = decide(config(), PLAN, [*CONTROLS, *slow], clock, SPACE)
    assert isinstance(late, TrainStep)
    assert late.kind is Kind.ENSEMBLE
    quick = [dataclasses.replace(t, seconds=4.0) for t in slow]
    early = decide(config(), PLAN, [*CONTROLS, *quick], clock, SPACE)
    assert isinstance(early, TrainStep)
    assert early.kind is Kind.NETWORK


def test_the_first_network_already_says_how_slow_the_plan_is() -> None:
    clock = Clock(elapsed=300 - 12 - 2 - 1.3 * 5 - 4.8, exported=1, since_export=5)
    alone = config(ensemble=False)
    late = decide(alone, PLAN, CONTROLS, clock, SPACE)
    assert isinstance(late, TrainStep)
    assert late.kind is Kind.REFIT
    quick = [*CONTROLS, finished(2, Kind.NETWORK, 0.5, seconds=1.0)]
    step = decide(alone, PLAN, quick, clock, SPACE)
    assert isinstance(step, TrainStep)
    assert step.kind is Kind.NETWORK


def test_what_takes_too_long_to_fit_again_does_not_keep_the_others_from_it() -> None:
    slow, quick = finished(2, Kind.NETWORK, 0.9, seconds=60.0), finished(3, Kind.NETWORK, 0.8, seconds=2.0)
    together = dataclasses.replace(finished(4, Kind.ENSEMBLE, 0.9), members=((2, 0.6), (3, 0.4)))
    trials = [*CONTROLS, slow, quick, together]
    step = decide(config(), PLAN, trials, Clock(elapsed=280), SPACE)
    assert isinstance(step, TrainStep)
    assert (step.kind, step.parent) == (Kind.REFIT, 3)
    refit = dataclasses.replace(finished(5, Kind.REFIT, 0.0), reward=None, parent=3)
    last = decide(config(), PLAN, [*trials, refit], Clock(elapsed=284), SPACE)
    assert last == ExportStep(number=4, final=True, parts=(Part(2, 2, 0.6), Part(3, 5, 0.4)))


def test_a_finished_search_stays_finished() -> None:
    assert isinstance(decide(config(), PLAN, CONTROLS, Clock(elapsed=50, finished=True), SPACE), DoneStep)
