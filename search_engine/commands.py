"""What an engine process can be told to do: one command a line on its standard input; see ``events``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from search_engine.events import Message


@dataclass(frozen=True, kw_only=True)
class Open(Message, name="open"):
    """Load a data set; must come first.

    Attributes:
        manifest: path of a manifest file (see ``search_engine.data.manifest``).
        cache: folder for packs and activations, shared by all engines of this machine.
        run: folder of this search, for checkpoints and the seal of the test split.
        seed: of the search.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    manifest: str
    cache: str
    run: str
    seed: int
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Measure(Message, name="measure"):
    """Time a few batches and plan the search. Answered by ``Measured``."""

    config: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prepare(Message, name="prepare"):
    """Cache the trunk's activations; engines that prepare at once share it. Answered by ``Prepared``."""

    plan: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Train(Message, name="train"):
    """Train one candidate. Answered by ``Trained``, ``Failed`` or ``Stopped``.

    Attributes:
        number: of the trial.
        kind: a value of ``trial.Kind``.
        genome: as ``Genome.to_dict`` writes it; None for ``majority``.
        seed: of this trial.
        epochs: length of the schedule.
        seconds: the trainer shortens its schedule to end within this many seconds, all folds together.
        share: of the training pictures that it sees, 0..1; the same ones for all trials of a search.
        scale: of the side of the pictures that a network from scratch sees, 0..1.
        incumbent: accuracy that it has to beat; it is ended once that has become unlikely. None: never.
        curves: validation accuracies, epoch by epoch, of networks that were trained as long; see
            ``fidelity.curves``. The last is the one that counts: of all folds, where there are several.
        max_latency_ms: it is not trained if one picture takes longer; None for no bound.
        folds: it is trained so often, each time without one part of the pictures, which then judges it; up
            to 1: once, and the validation pictures judge it.
    """

    number: int
    kind: str
    genome: dict[str, Any] | None
    seed: int
    epochs: int
    seconds: float
    share: float = 1.0
    scale: float = 1.0
    incumbent: float | None = None
    curves: list[list[float]] = field(default_factory=list)
    max_latency_ms: float | None = None
    folds: int = 1


@dataclass(frozen=True, kw_only=True)
class Supernet(Message, name="supernet"):
    """Search the cells of the planned space by shared weights. Answered by ``SupernetDone``.

    Attributes:
        number: of the trial.
        seed: of this trial.
        seconds: limit, training and search together.
        genome: base that fixes everything but the cells; None for the space's own first with cells.
    """

    number: int
    seed: int
    seconds: float
    genome: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Combine(Message, name="combine"):
    """Select an ensemble of trained trials on the validation split. Answered by ``Combined``.

    Attributes:
        number: of the ensemble's trial.
        rivals: trials that may take part, the best first: ``number``, ``kind``, ``genome``, ``latency_ms``.
        most: how many of them, at the most.
        max_parameters, max_latency_ms: of the whole; None for no bound.
    """

    number: int
    rivals: list[dict[str, Any]]
    most: int
    max_parameters: int | None = None
    max_latency_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Refit(Message, name="refit"):
    """Train a trial's network once more, on training and validation pictures. Answered by ``Refitted``.

    Attributes:
        number: of the refit, under which the weights are kept.
        source: number of the trial.
        kind, genome, seed, epochs: of the trial, as it was trained.
        seconds: the trainer shortens its schedule to end within this many seconds.
    """

    number: int
    source: int
    kind: str
    genome: dict[str, Any] | None
    seed: int
    epochs: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Export(Message, name="export"):
    """Turn one or several trained trials into a bundle. Answered by ``Exported``, ``Failed`` or ``Stopped``.

    Attributes:
        number: of the trial that is exported, perhaps an ensemble.
        parts: the networks that answer: as ``rivals``, with ``weights``, the number of the trial whose
            weights are used, and ``share`` of the answer.
        final: open the sealed test split, once; otherwise no test picture is touched.
        out: folder that the bundle is written to; must not exist.
        title: name of the model, for the bundle's README.
        round: of the search, from 0; the seal on the test split is broken once a round, for one model.
    """

    number: int
    parts: list[dict[str, Any]]
    final: bool
    out: str
    title: str
    round: int = 0


@dataclass(frozen=True, kw_only=True)
class Doubt(Message, name="doubt"):
    """Rank labels by how wrong they look. Answered by ``Doubted``, ``Failed`` or ``Stopped``.

    Attributes:
        parts: the networks of the finished model, as of ``Export``.
        seconds: limit on wall-clock seconds, about.
        out: file that is written or replaced; see ``doubting.write_opinions``.
    """

    parts: list[dict[str, Any]]
    seconds: float
    out: str


@dataclass(frozen=True, kw_only=True)
class Stop(Message, name="stop"):
    """End the command at work, soon. Answered by ``Stopped`` (or by what it was about to answer)."""
