"""What a slot of a search may have to do next, and where the search stands when it asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from search_engine.space.architecture import Genome
from search_engine.trial import Kind, Origin, Vector


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
        genome: None for ``majority`` and where several networks are meant.
        key: canonical hash of the genome; empty for ``majority``.
        parent: number of the trial it was mutated from, if any; of a refit, the one fitted again.
        seed: of its weights and batches.
        epochs: length of the schedule.
        seconds: limit; the trainer shortens its schedule to keep it.
        trains: what a refit fits again; of all others their own kind.
        rivals: of an ensemble: numbers of the trials that may take part, the best first.
        share, scale: of the training pictures, and of their side, that it gets; 1 in full.
        folds: of its cross-validation; 1 for none.
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
    trains: Kind
    rivals: tuple[int, ...] = ()
    share: float = 1.0
    scale: float = 1.0
    folds: int = 1
    rung: int = 0
    drawn: int = 1
    incumbent: float | None = None
    max_latency_ms: float | None = None
    repeat_of: int | None = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a model.

    Attributes:
        number: of the trial that chose it.
        weights: number of the trial whose weights it has: the same, or that of its refit.
        share: of the answer, 0..1.
    """

    number: int
    weights: int
    share: float = 1.0

    @property
    def refit(self) -> bool:
        """Whether it was fitted again on the validation pictures, too."""
        return self.weights != self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStep:
    """Make a usable model of a trained trial.

    Attributes:
        number: of the trial.
        final: the last export of the search; it opens the sealed test split.
        parts: the networks that answer; one, unless the trial is an ensemble.
    """

    number: int
    final: bool
    parts: tuple[Part, ...]

    @property
    def refit(self) -> bool:
        """Whether every network in it was fitted again."""
        return all(part.refit for part in self.parts)

    def as_trained(self) -> Self:
        """The same with the weights that the trials themselves left."""
        return replace(self, parts=tuple(replace(part, weights=part.number) for part in self.parts))


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
