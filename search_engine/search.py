"""What a slot of a search does next: one pure function of the settings, the plan, the trials and the clock.

The site asks it inside a database transaction, the command line in a loop. Nothing is remembered between
calls, so a search whose processes all died goes on from its trials.

A search runs its controls (0: majority, 1: linear probe, 2: fine-tuning if the plan has time for it), a
supernet if its strategy wants one, then networks
while time allows, hands out a usable model as soon as there is one and at each improvement. Then it selects
an ensemble, fits what wins again on all pictures, and ends with one final export that opens the sealed test
split. Which network comes next is said in ``proposing``, what comes of them in ``finishing``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from search_engine.config import Plan, SearchConfig
from search_engine.families import TUNED, open_families, plan_of, rungs, schedule, seconds_of
from search_engine.finishing import (
    able,
    best_model,
    ensemble_of,
    parts_of,
    refits_due,
    refits_of,
    rivals,
)
from search_engine.objective import latency_bound
from search_engine.proposing import Candidate, incumbent, is_network, propose
from search_engine.reserve import refit_reserve
from search_engine.space.architecture import Genome, Trunk, fine_tuned, linear_probe
from search_engine.space.base import GenomeSpace
from search_engine.space.canonical import key_of
from search_engine.space.union import with_frozen_trunk
from search_engine.steps import Clock, DoneStep, ExportStep, Part, Step, TrainStep, WaitStep
from search_engine.trial import Kind, Origin, Trial, TrialState, best_of

CONTROLS = (Kind.MAJORITY, Kind.LINEAR_PROBE)
"""In the order of their trial numbers. Networks wait for them."""

FINISH_OVERHEAD = 2.0
"""Seconds to choose what answers together, and to load, save and report around the final fits."""
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
        for number, kind in enumerate(controls(self.plan)):
            trial = self.trials[number] if number < len(self.trials) else None
            if trial is None or (trial.kind is kind and trial.state is TrialState.QUEUED):
                return self._control_step(number, kind, seconds, retry=trial is not None)
            ended += kind in CONTROLS and trial.state is not TrialState.RUNNING
        return None if ended == len(CONTROLS) else WaitStep("The controls come first.")

    def provisional(self) -> Step | None:
        """Hand out a usable model early, and each time there is a better one."""
        best = best_of(able(self.config, self.plan, self.trials))
        if best is None or best.number == self.clock.exported or self.clock.exporting:
            return None
        pause = EXPORT_PAUSE if self.clock.since_export is None else self.clock.since_export
        if pause < EXPORT_PAUSE or self.left < EXPORT_SECONDS:
            return None
        return ExportStep(number=best.number, final=False, parts=(Part(best.number, best.number),))

    def supernet(self) -> Step | None:
        """Shared weights come before the networks, once, where the strategy wants them."""
        if self.config.strategy != "enas":
            return None
        number = len(controls(self.plan))
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
        for again in queued:
            found = Candidate(
                origin=again.origin,
                vector=again.vector,
                parent=again.parent,
                rung=again.rung,
                drawn=again.drawn,
            )
            step = self._network_step(again.number, found, retry=True)
            if step is not None:  # else others that take less time may still be tried
                return step
        affordable = [name for name in self.families if self.expected_seconds(name) <= self.left_for(name)]
        if not affordable:
            return None
        if self.config.max_trials is not None and len(self.networks) >= self.config.max_trials:
            return None
        told = [trial for trial in self.trials if trial.kind in (Kind.NETWORK, Kind.SUPERNET)]
        space = self.space
        if self.plan.unfreeze and self.left_for(TUNED) < self.expected_seconds(TUNED):
            space = with_frozen_trunk(space)
            told = [trial for trial in told if schedule(self.plan, trial.vector) != TUNED]
        proposed = propose(self.config, self.plan, self.networks, told, space, left=affordable)
        return None if proposed is None else self._network_step(len(self.trials), proposed, retry=False)

    def finish(self) -> Step:
        """Choose what answers together, fit it again, and export it, once no network is trained any more."""
        if self.clock.exporting or any(
            t.state is TrialState.RUNNING and t.kind is not Kind.REFIT for t in self.trials
        ):
            return WaitStep("Others are still at work.")
        if self.best is None:
            if self.clock.stop_requested:
                return DoneStep("Stopped before any network was ready.")
            if all(trial.fits for trial in self.trials):
                return DoneStep("No network could be trained; the trials say why.", failed=True)
            return DoneStep(
                "Nothing that was tried is within the limits. Allow more, then train again.", failed=True
            )
        return self._ensemble() or self._refit(self.best) or self._final(self.best)

    def _ensemble(self) -> Step | None:
        made = ensemble_of(self.trials)
        if made is not None and made.state is not TrialState.QUEUED:
            return None
        able_together = rivals(self.config, self.plan, self.trials)
        if len(able_together) < 2:
            return None
        number = len(self.trials) if made is None else made.number
        step = self._step(number, Kind.ENSEMBLE, Origin.FINISH, FINISH_OVERHEAD, retry=made is not None)
        return replace(step, rivals=able_together)

    def _refit(self, best: Trial) -> Step | None:
        """Fit a part of the winner on the validation pictures, too; wait for those that others fit."""
        if self.clock.stop_requested:
            return None
        end = self.config.budget_seconds * (1 + OVERRUN) - self.plan.finish_seconds
        seconds = end - self.clock.elapsed
        made = refits_of(self.trials)
        for trial in made.values():
            if trial.state is TrialState.QUEUED:
                return self._refit_step(trial.number, self.trials[trial.parent or 0], seconds, retry=True)
        due = refits_due(best, self.trials, seconds=seconds, slots=self.config.slots, folds=self.plan.folds)
        if due:
            return self._refit_step(len(self.trials), *due[0], retry=False)
        if any(trial.state is TrialState.RUNNING for trial in made.values()):
            return WaitStep("Others are still fitting their part of the winner.")
        return None

    def _refit_step(self, number: int, trial: Trial, seconds: float, *, retry: bool) -> Step:
        step = self._step(number, Kind.REFIT, Origin.FINISH, max(1.0, seconds), retry=retry)
        return replace(
            step,
            trains=trial.kind,
            vector=trial.vector,
            genome=self.space.decode(trial.vector) if is_network(trial) else self._control(trial.kind),
            key=trial.key,
            parent=trial.number,
            seed=trial_seed(self.config.seed, trial.number),
            epochs=trial.epochs or self.plan.epochs,
        )

    def _final(self, best: Trial) -> Step:
        if any(t.state is TrialState.RUNNING for t in self.trials):
            return WaitStep("Others are still fitting their part of the winner.")
        return ExportStep(number=best.number, final=True, parts=parts_of(best, self.trials))

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
        """Seconds for training, until the reserve for the final fit and export begins, whichever wins."""
        return min(map(self.left_for, self.families))

    def left_for(self, name: str) -> float:
        """The same if the rest of the networks are of one family."""
        best = best_of(able(self.config, self.plan, self.trials))
        expected = self.expected_seconds(name, -1)
        winner = max(expected, (best.seconds or 0.0) if best else 0.0)
        refits = refit_reserve(self.config, expected, winner, self.plan.folds)
        reserve = self.plan.finish_seconds + refits + FINISH_OVERHEAD
        return self.config.budget_seconds - reserve - self.clock.elapsed

    def _control(self, kind: Kind) -> Genome:
        """The network of a control other than the majority."""
        trunk = Trunk(self.plan.trunk, self.plan.trunk_resolution)
        return fine_tuned(trunk, self.plan.unfreeze) if kind is Kind.FINE_TUNE else linear_probe(trunk)

    def _network_step(self, number: int, found: Candidate, *, retry: bool) -> Step | None:
        """None if there is no time left for it."""
        name = schedule(self.plan, found.vector)
        expected = self.expected_seconds(name, found.rung)
        left = self.left_for(name)
        if found.repeat_of is None and left < expected:
            return None
        step = self._step(
            number,
            Kind.NETWORK,
            found.origin,
            min(TIMEOUT_FACTOR * plan_of(self.plan, name).trial_seconds, left),
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
            folds=rung.folds,
            rung=found.rung,
            drawn=found.drawn,
            incumbent=None if name == TUNED else self._incumbent(found),
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
        step = replace(step, folds=max(1, self.plan.folds))
        if kind is Kind.MAJORITY:
            return step
        genome, epochs = self._control(kind), self.plan.epochs
        if kind is Kind.FINE_TUNE:
            most = TIMEOUT_FACTOR * self.plan.tune_seconds
            step, epochs = replace(step, seconds=min(step.seconds, most)), self.plan.tune_epochs
        return replace(step, genome=genome, key=key_of(genome), epochs=epochs)

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
            trains=kind,
            retry=retry,
        )


def controls(plan: Plan) -> tuple[Kind, ...]:
    """What a search has to beat, in the order of the trials' numbers."""
    return (*CONTROLS, Kind.FINE_TUNE) if plan.unfreeze else CONTROLS


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial's weights and batches: a trial that is run again gets the same."""
    return random.Random(f"{seed}:trial:{number}").getrandbits(31)
