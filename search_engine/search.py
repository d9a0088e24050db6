"""What a slot of a search does next: one pure function of the settings, the plan, the trials and the clock.

The site asks it inside a database transaction, the command line in a loop. Nothing is remembered between
calls, so a search whose processes all died goes on from its trials.

A search runs its controls (0: majority, 1: linear probe), a supernet if its strategy wants one, then networks
while time allows, hands out a usable model as soon as there is one and at each improvement, and ends with one
final export that opens the sealed test split. Which network comes next is said in ``proposing``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from search_engine.config import Plan, SearchConfig
from search_engine.families import family, open_families, plan_of, rungs, seconds_of
from search_engine.objective import latency_bound
from search_engine.proposing import Candidate, incumbent, is_network, propose
from search_engine.space.architecture import Genome, Trunk, linear_probe
from search_engine.space.base import GenomeSpace
from search_engine.space.canonical import key_of
from search_engine.trial import Kind, Origin, Trial, TrialState, Vector, best_of

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
SUPERNET_SHARE = 0.25
"""Of the time for training that goes to the shared weights, where a strategy wants them."""
SUPERNET_SECONDS = 1.0
"""With less than this for them, shared weights are left out and the controller begins without."""


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
        share, scale: of the training pictures, and of their side, that it gets; 1 in full.
        rung: its fidelity; see ``proposing.rungs``.
        drawn: of how many proposals it was picked.
        incumbent: reward that it has to beat to be gone on with; None while nobody can tell.
        max_latency_ms: it is not trained if one picture takes longer; None for no bound.
        repeat_of: number of the trial that answers it, so that there is nothing to train; else None.
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
    share: float = 1.0
    scale: float = 1.0
    rung: int = 0
    drawn: int = 1
    incumbent: float | None = None
    max_latency_ms: float | None = None
    repeat_of: int | None = None
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


def decide(
    config: SearchConfig, plan: Plan, trials: Sequence[Trial], clock: Clock, space: GenomeSpace
) -> Step:
    """The next step of one slot. Same arguments, same answer.

    The caller writes it down before another slot asks: as a running trial, or as ``exporting``.

    Args:
        config: what the user wants.
        plan: what the engine measured.
        trials: all so far, in any order; numbers have no gaps.
        clock: time and exports.
        space: see ``proposing.space_of``.
    """
    if clock.finished:
        return DoneStep("The search is finished.")
    view = _View(config, plan, sorted(trials, key=lambda trial: trial.number), clock, space)
    if clock.stop_requested:
        return view.finish()
    return view.control() or view.provisional() or view.supernet() or view.network() or view.finish()


def best_model(config: SearchConfig, plan: Plan, trials: Sequence[Trial]) -> Trial | None:
    """The best that is worth exporting.

    That is neither one that always says the same label nor one that was trained for less than others.
    """
    top = len(rungs(config, plan)) - 1
    return best_of([t for t in trials if t.kind is Kind.LINEAR_PROBE or (is_network(t) and t.rung == top)])


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

    def supernet(self) -> Step | None:
        """Shared weights come before the networks, once, where the strategy wants them."""
        if self.config.strategy != "enas":
            return None
        number = len(CONTROLS)
        trial = self.trials[number] if number < len(self.trials) else None
        if trial is None or (trial.kind is Kind.SUPERNET and trial.state is TrialState.QUEUED):
            seconds = SUPERNET_SHARE * self.left
            if seconds < SUPERNET_SECONDS:
                return None
            return self._step(number, Kind.SUPERNET, Origin.STRATEGY, seconds, retry=trial is not None)
        if trial.kind is Kind.SUPERNET and trial.state is TrialState.RUNNING:
            return WaitStep("The shared weights come first.")
        return None

    def network(self) -> Step | None:
        """The next network, if it can end before the reserve for the final fit."""
        queued = [trial for trial in self.networks if trial.state is TrialState.QUEUED]
        if queued:
            again = queued[0]
            found = Candidate(
                origin=again.origin,
                vector=again.vector,
                parent=again.parent,
                rung=again.rung,
                drawn=again.drawn,
            )
            return self._network_step(again.number, found, retry=True)
        if self.left < min(map(self.expected_seconds, self.families)):
            return None
        if self.config.max_trials is not None and len(self.networks) >= self.config.max_trials:
            return None
        told = [trial for trial in self.trials if trial.kind in (Kind.NETWORK, Kind.SUPERNET)]
        proposed = propose(self.config, self.plan, self.networks, told, self.space)
        return None if proposed is None else self._network_step(len(self.trials), proposed, retry=False)

    def finish(self) -> Step:
        """The final export, once nothing runs any more."""
        if self.clock.exporting or any(t.state is TrialState.RUNNING for t in self.trials):
            return WaitStep("Others are still at work.")
        best = self.best
        if best is None:
            if self.clock.stop_requested:
                return DoneStep("Stopped before any network was ready.")
            if all(trial.fits for trial in self.trials):
                return DoneStep("No network could be trained; the trials say why.", failed=True)
            return DoneStep(
                "Nothing that was tried is within the limits. Allow more, then train again.", failed=True
            )
        refit = not self.clock.stop_requested and self._can_refit(best)
        return ExportStep(number=best.number, final=True, refit=refit)

    @property
    def networks(self) -> list[Trial]:
        return [trial for trial in self.trials if is_network(trial)]

    @property
    def families(self) -> tuple[str, ...]:
        """Those that are still tried; see ``families``."""
        return open_families(self.config, self.plan, self.networks)

    @property
    def best(self) -> Trial | None:
        return best_model(self.config, self.plan, self.trials)

    def expected_seconds(self, name: str, rung: int = 0) -> float:
        return seconds_of(self.config, self.plan, self.networks, rung, name)

    @property
    def left(self) -> float:
        """Seconds for training, until the reserve for the final fit and export begins."""
        best = self.best
        full = max(self.expected_seconds(name, -1) for name in self.families)  # whichever wins
        winner = max(full, (best.seconds or 0.0) if best else 0.0)
        reserve = self.plan.finish_seconds + REFIT_FACTOR * winner + REFIT_OVERHEAD
        return self.config.budget_seconds - reserve - self.clock.elapsed

    def _can_refit(self, best: Trial) -> bool:
        seconds = REFIT_FACTOR * (best.seconds or 0.0)
        end = self.clock.elapsed + self.plan.finish_seconds + seconds
        return end <= self.config.budget_seconds * (1 + OVERRUN)

    def _network_step(self, number: int, found: Candidate, *, retry: bool) -> Step | None:
        """None if there is no time left for it."""
        name = family(self.plan, found.vector)
        expected = self.expected_seconds(name, found.rung)
        if found.repeat_of is None and self.left < expected:
            return None
        step = self._step(
            number,
            Kind.NETWORK,
            found.origin,
            min(TIMEOUT_FACTOR * plan_of(self.plan, name).trial_seconds, self.left),
            retry=retry,
        )
        rung = rungs(self.config, self.plan, name)[found.rung]
        return replace(
            step,
            vector=found.vector,
            genome=self.space.decode(found.vector),
            key=self.space.key(found.vector),
            parent=found.parent,
            epochs=rung.epochs,
            share=rung.share,
            scale=rung.scale,
            rung=found.rung,
            drawn=found.drawn,
            incumbent=self._incumbent(found),
            max_latency_ms=latency_bound(self.config),
            repeat_of=found.repeat_of,
        )

    def _incumbent(self, found: Candidate) -> float | None:
        """The random arm is trained to the end: it is a control, and some curves must be known whole."""
        if found.origin is Origin.RANDOM:
            return None
        return incumbent(self.config, self.plan, self.networks, found.rung)

    def _control_step(self, number: int, kind: Kind, seconds: float, *, retry: bool) -> TrainStep:
        step = self._step(number, kind, Origin.CONTROL, seconds, retry=retry)
        if kind is Kind.MAJORITY:
            return step
        genome = linear_probe(Trunk(self.plan.trunk, self.plan.trunk_resolution))
        return replace(step, genome=genome, key=key_of(genome), epochs=self.plan.epochs)

    def _step(self, number: int, kind: Kind, origin: Origin, seconds: float, *, retry: bool) -> TrainStep:
        return TrainStep(
            number=number,
            kind=kind,
            origin=origin,
            vector=(),
            genome=None,
            key="",
            parent=None,
            seed=trial_seed(self.config.seed, number),
            epochs=0,
            seconds=seconds,
            retry=retry,
        )


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial's weights and batches: a trial that is run again gets the same."""
    return random.Random(f"{seed}:trial:{number}").getrandbits(31)
