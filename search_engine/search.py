"""What a slot of a search does next: one pure function of the settings, the plan, the trials and the clock.

The site asks it inside a database transaction, the command line in a loop; neither decides anything itself.
Nothing is remembered between calls, so a search whose processes all died goes on from its trials.

A search runs its controls (0: majority, 1: linear probe), then networks while time allows, hands out a usable
model as soon as there is one and at each improvement, and ends with one final export that opens the sealed
test split.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from search_engine.config import Plan, SearchConfig
from search_engine.space.architecture import Genome, Trunk, linear_probe
from search_engine.space.base import GenomeSpace
from search_engine.space.canonical import key_of
from search_engine.space.registry import make_space
from search_engine.strategies import STRATEGIES
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState, Vector, best_of

CONTROLS = (Kind.MAJORITY, Kind.LINEAR_PROBE)
"""In the order of their trial numbers."""

REFIT_FACTOR = 1.3
"""The final fit also sees the validation pictures (15 of 70 parts more), and a busy machine is slower."""
REFIT_OVERHEAD = 2.0
"""Seconds to load, save and report around the final fit."""
OVERRUN = 0.03
"""Share of the budget that the final fit may run over rather than be left out."""
TIMEOUT_FACTOR = 3.0
"""A network may take this many times the expected seconds before its schedule is shortened."""
EXPORT_PAUSE = 30.0
"""Seconds between provisional exports, so that a lucky streak is not spent on exporting."""
EXPORT_SECONDS = 10.0
"""A provisional export is not begun with less than this left: the final one comes anyway."""
OBSERVED = 3
"""Networks after which measured seconds say more than the plan's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where a search stands, besides its trials.

    Attributes:
        elapsed: seconds since the budget began.
        exported: number of the trial of the newest provisional export, if any.
        since_export: seconds since that export ended.
        exporting: whether any slot is exporting now, provisionally or finally.
        finished: whether the final export is done, or was given up.
        stop_requested: whether the user wants the best so far, now.
    """

    elapsed: float
    exported: int | None = None
    since_export: float | None = None
    exporting: bool = False
    finished: bool = False
    stop_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep:
    """Train one candidate.

    Attributes:
        number: of the trial.
        kind: network or control.
        origin: who proposed it.
        vector: its decisions; empty for controls.
        genome: None for ``majority``.
        key: canonical hash of the genome; empty for ``majority``.
        parent: number of the trial it was mutated from, if any.
        seed: of its weights and batches.
        epochs: length of the schedule.
        seconds: limit; the trainer shortens its schedule to keep it.
        retry: whether the trial is on record already, and lost its worker.
    """

    number: int
    kind: Kind
    origin: Origin
    vector: Vector
    genome: Genome | None
    key: str
    parent: int | None
    seed: int
    epochs: int
    seconds: float
    retry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStep:
    """Make a usable model of a trained trial.

    Attributes:
        number: of the trial.
        final: the last export of the search; it opens the sealed test split.
        refit: fit again on training and validation pictures first; only with ``final``.
    """

    number: int
    final: bool
    refit: bool


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Nothing to do until another slot is done with its step."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class DoneStep:
    """The search is over. ``failed``: without any model; ``reason`` says why, for people."""

    reason: str = ""
    failed: bool = False


Step = TrainStep | ExportStep | WaitStep | DoneStep


def space_of(plan: Plan) -> GenomeSpace:
    """The space that a plan searches."""
    return make_space(plan.space, Trunk(plan.trunk, plan.resolution))


def decide(
    config: SearchConfig, plan: Plan, trials: Sequence[Trial], clock: Clock, space: GenomeSpace
) -> Step:
    """The next step of one slot. Same arguments, same answer.

    The caller writes the step down before it asks for another slot: a ``TrainStep`` as a running trial, an
    ``ExportStep`` as ``exporting``.

    Args:
        config: what the user wants.
        plan: what the engine measured.
        trials: all so far, in any order; numbers have no gaps.
        clock: time and exports.
        space: see ``space_of``.
    """
    if clock.finished:
        return DoneStep("The search is finished.")
    view = _View(config, plan, sorted(trials, key=lambda trial: trial.number), clock, space)
    if clock.stop_requested:
        return view.finish()
    return view.control() or view.provisional() or view.network() or view.finish()


@dataclass(frozen=True, slots=True)
class _View:
    """The arguments of ``decide``, and the questions it asks of them, in its order."""

    config: SearchConfig
    plan: Plan
    trials: list[Trial]
    clock: Clock
    space: GenomeSpace

    def control(self) -> Step | None:
        """The next control that nobody runs; wait for those that run; None once all have ended."""
        seconds = max(self.plan.trial_seconds, self.left)  # without a control there is nothing to show
        ended = 0
        for number, kind in enumerate(CONTROLS):
            trial = self.trials[number] if number < len(self.trials) else None
            if trial is None or trial.state is TrialState.QUEUED:
                return self._control_step(number, kind, seconds, retry=trial is not None)
            ended += trial.state is not TrialState.RUNNING
        return None if ended == len(CONTROLS) else WaitStep("The controls come first.")

    def provisional(self) -> Step | None:
        """Hand out a usable model early, and each time there is a better one."""
        best = self.best
        if best is None or best.number == self.clock.exported or self.clock.exporting:
            return None
        pause = EXPORT_PAUSE if self.clock.since_export is None else self.clock.since_export
        if pause < EXPORT_PAUSE or self.left < EXPORT_SECONDS:
            return None
        return ExportStep(number=best.number, final=False, refit=False)

    def network(self) -> Step | None:
        """The next network, if it can end before the reserve for the final fit."""
        if self.left < self.expected_seconds:
            return None
        seconds = min(TIMEOUT_FACTOR * self.plan.trial_seconds, self.left)
        queued = [t for t in self.networks if t.state is TrialState.QUEUED]
        if queued:
            again = queued[0]
            proposal = Proposal(again.vector, again.parent)
            step = self._network_step(again.number, again.origin, proposal, seconds)
            return replace(step, retry=True)
        if self.config.max_trials is not None and len(self.networks) >= self.config.max_trials:
            return None
        origin, proposal = self._propose()
        return self._network_step(len(self.trials), origin, proposal, seconds)

    def finish(self) -> Step:
        """The final export, once nothing runs any more."""
        if self.clock.exporting or any(t.state is TrialState.RUNNING for t in self.trials):
            return WaitStep("Others are still at work.")
        best = self.best
        if best is None:
            if self.clock.stop_requested:
                return DoneStep("Stopped before any network was ready.")
            return DoneStep("No network could be trained; the trials say why.", failed=True)
        refit = not self.clock.stop_requested and self._can_refit(best)
        return ExportStep(number=best.number, final=True, refit=refit)

    @property
    def networks(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.kind is Kind.NETWORK]

    @property
    def best(self) -> Trial | None:
        """The best that is worth exporting: a model that always says the same label is not."""
        return best_of([trial for trial in self.trials if trial.kind is not Kind.MAJORITY])

    @property
    def expected_seconds(self) -> float:
        """Of the next network: as planned, or the median of what was measured since."""
        seconds = [
            t.seconds for t in self.networks if t.state is TrialState.FINISHED and t.seconds is not None
        ]
        return self.plan.trial_seconds if len(seconds) < OBSERVED else median(seconds)

    @property
    def left(self) -> float:
        """Seconds for training, until the reserve for the final fit and export begins."""
        best = self.best
        winner = max(self.expected_seconds, (best.seconds or 0.0) if best else 0.0)
        reserve = self.plan.finish_seconds + REFIT_FACTOR * winner + REFIT_OVERHEAD
        return self.config.budget_seconds - reserve - self.clock.elapsed

    def _can_refit(self, best: Trial) -> bool:
        seconds = REFIT_FACTOR * (best.seconds or 0.0)
        end = self.clock.elapsed + self.plan.finish_seconds + seconds
        return end <= self.config.budget_seconds * (1 + OVERRUN)

    def _propose(self) -> tuple[Origin, Proposal]:
        """From the random arm or from the strategy, by the network's place in the search."""
        index = len(self.networks)
        share = self.config.random_share
        is_random = int((index + 1) * share) > int(index * share)  # evenly spread, whatever the budget
        name = "random" if is_random else self.config.strategy
        strategy = STRATEGIES[name](self.space, self.config.seed, self.plan.affords(self.config))
        active = (TrialState.QUEUED, TrialState.RUNNING)
        strategy.update(
            completed=[t for t in self.networks if t.state not in active],
            active=[t for t in self.networks if t.state in active],
        )
        return Origin.RANDOM if is_random else Origin.STRATEGY, strategy.suggest(1)[0]

    def _network_step(self, number: int, origin: Origin, proposal: Proposal, seconds: float) -> TrainStep:
        return TrainStep(
            number=number,
            kind=Kind.NETWORK,
            origin=origin,
            vector=proposal.vector,
            genome=self.space.decode(proposal.vector),
            key=self.space.key(proposal.vector),
            parent=proposal.parent,
            seed=trial_seed(self.config.seed, number),
            epochs=self.plan.epochs,
            seconds=seconds,
        )

    def _control_step(self, number: int, kind: Kind, seconds: float, *, retry: bool) -> TrainStep:
        is_probe = kind is Kind.LINEAR_PROBE
        genome = linear_probe(Trunk(self.plan.trunk, self.plan.trunk_resolution)) if is_probe else None
        return TrainStep(
            number=number,
            kind=kind,
            origin=Origin.CONTROL,
            vector=(),
            genome=genome,
            key=key_of(genome) if genome else "",
            parent=None,
            seed=trial_seed(self.config.seed, number),
            epochs=self.plan.epochs if is_probe else 0,
            seconds=seconds,
            retry=retry,
        )


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial's weights and batches: a trial that is run again gets the same."""
    return random.Random(f"{seed}:trial:{number}").getrandbits(31)
