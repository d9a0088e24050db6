"""What the command line remembers of a running search; the site keeps the same in its database."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from typing import Any

from search_engine.config import Plan, SearchConfig
from search_engine.evaluate.worth import Comparison, Scored, worth
from search_engine.events import Combined, EpochDone, Refitted, SupernetDone, Trained
from search_engine.families import rungs
from search_engine.ledger import Entry, Ledger, asked, found_by, members_of
from search_engine.objective import factor_of, fits, reward_of
from search_engine.orders import Record
from search_engine.proposing import CURVES
from search_engine.steps import TrainStep
from search_engine.trial import Kind, Trial, TrialState


class Records:
    """Trials with their steps, figures, learning curves and errors; safe to share between threads."""

    def __init__(self, config: SearchConfig) -> None:
        self.config = config
        self.lock = threading.RLock()
        self.trials: dict[int, Trial] = {}
        self._steps: dict[int, TrainStep] = {}
        self._figures: dict[int, Trained] = {}
        self._combined: dict[int, Combined] = {}
        self._errors: dict[int, str] = {}
        self._curves: dict[int, list[float]] = {}

    def begin(self, step: TrainStep) -> bool:
        """Write a step down. False if an earlier trial answers it, so that there is nothing to train."""
        with self.lock:
            self._steps[step.number] = step
            self._curves[step.number] = []
            self.trials[step.number] = Trial(
                number=step.number,
                kind=step.kind,
                origin=step.origin,
                state=TrialState.RUNNING,
                vector=step.vector,
                key=step.key,
                parent=step.parent,
                rung=step.rung,
                drawn=step.drawn,
            )
            if step.repeat_of is None:
                return True
            answer = self._figures.get(step.repeat_of)
            if answer is None:
                self.failed(step.number, self._errors.get(step.repeat_of, ""))
            else:
                self.trained(replace(answer, number=step.number, seconds=0.0))
            return False

    def step(self, number: int) -> TrainStep:
        return self._steps[number]

    def epoch(self, event: EpochDone) -> None:
        with self.lock:
            self._curves[event.number].append(event.accuracy)

    def curves(self, step: TrainStep) -> list[list[float]]:
        """Of the newest networks of the step's kind that were trained to the end at its rung.

        The last accuracy is the trial's: in a cross-validation of all folds, where epochs are the first's.
        """
        with self.lock:
            whole = [
                [*self._curves[t.number][:-1], self._figures[t.number].accuracy]
                for t in self.trials.values()
                if t.kind is Kind.NETWORK
                and t.state is TrialState.FINISHED
                and t.rung == step.rung
                and _kind_of(self._steps[t.number]) == _kind_of(step)
                and not t.killed
                and self._steps[t.number].repeat_of is None
                and self._curves[t.number]
            ]
            return whole[-CURVES:]

    def trained(self, event: Trained) -> None:
        with self.lock:
            self._figures[event.number] = event
            self.trials[event.number] = replace(
                self.trials[event.number],
                state=TrialState.FINISHED,
                reward=reward_of(self.config, event.accuracy, event.latency_ms),
                seconds=event.seconds,
                epochs=event.epochs,
                killed=event.killed,
                fits=fits(self.config, event.parameters, event.latency_ms),
            )

    def made(self, event: SupernetDone | Combined | Refitted) -> str:
        """Write down what is no single candidate; returns what became of it, in words."""
        with self.lock:
            done = replace(self.trials[event.number], state=TrialState.FINISHED, seconds=event.seconds)
            if isinstance(event, SupernetDone):
                self.trials[event.number] = replace(done, found=found_by(event))
                return f"shared weights: {event.scored} networks looked at"
            if isinstance(event, Refitted):
                self.trials[event.number] = replace(done, epochs=event.epochs)
                return f"network {done.parent} fitted again on all pictures in {event.seconds:.1f} s"
            self._combined[event.number] = event
            self.trials[event.number] = replace(
                done,
                reward=event.accuracy,
                members=members_of(event),
                fits=fits(self.config, event.parameters, event.latency_ms),
            )
            names = ", ".join(f"{number} ({weight:.0%})" for number, weight in members_of(event))
            return f"ensemble of {names}: {event.accuracy:.4f}, log loss {event.loss:.4f}"

    def record(self, number: int) -> Record:
        """Of a trial that has been trained."""
        step, figures = self._steps[number], self._figures.get(number)
        genome = step.genome.to_dict() if step.genome else None
        return Record(step.kind.value, genome, figures.latency_ms if figures else None)

    def failed(self, number: int, message: str) -> None:
        with self.lock:
            self._errors[number] = message
            self.trials[number] = replace(self.trials[number], state=TrialState.FAILED)

    def worth(self, plan: Plan) -> tuple[Comparison, ...]:
        """The search's best network against the random arm's, and against plain transfer learning."""
        top = len(rungs(self.config, plan)) - 1
        scored = [
            Scored(
                t.number,
                t.kind,
                t.origin,
                figures.accuracy,
                figures.right,
                factor_of(self.config, figures.latency_ms),
            )
            for t in self.trials.values()
            if (figures := self._figures.get(t.number))
            and t.fits
            and (t.kind is not Kind.NETWORK or t.rung == top)
            and not (plan.crossed and t.killed)
            and self._steps[t.number].repeat_of is None
        ]
        return worth(sorted(scored, key=lambda each: each.number), self.config.seed)

    def ledger(self, plan: Plan, split: str) -> Ledger:
        """Everything so far; ``split`` is the digest of the manifest."""
        entries = []
        for number, step in sorted(self._steps.items()):
            trial, result = self.trials[number], self._figures.get(number) or self._combined.get(number)
            # Supernets and refits have no figures but these.
            few = {"seconds": trial.seconds, "epochs": trial.epochs}
            figures: dict[str, Any] = asdict(result) if result else few
            known = Entry.__dataclass_fields__.keys() - {"number", "members"}
            entries.append(
                Entry(
                    number=number,
                    kind=trial.kind.value,
                    origin=trial.origin.value,
                    state=trial.state.value,
                    strategy=asked(trial.origin, self.config.strategy),
                    vector=trial.vector,
                    genome=step.genome.to_dict() if step.genome else None,
                    hash=trial.key,
                    parent=trial.parent,
                    seed=step.seed,
                    rung=trial.rung,
                    drawn=trial.drawn,
                    repeat_of=step.repeat_of,
                    found=trial.found,
                    members=trial.members,
                    error=self._errors.get(number, ""),
                    **{name: value for name, value in figures.items() if name in known},
                )
            )
        return Ledger(config=self.config, plan=plan, split=split, entries=tuple(entries))


def _kind_of(step: TrainStep) -> tuple[bool, bool]:
    """Whether its network is on a pretrained one, and trains some of that: curves differ between these."""
    genome = step.genome
    return genome is not None and genome.trunk is not None, genome is not None and genome.unfrozen > 0
