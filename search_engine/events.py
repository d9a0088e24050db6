"""The language between an engine process and whoever runs it: one JSON object a line.

Commands (see ``commands``) go to the engine's standard input, events come from its output. Both are frozen
dataclasses; ``to_line`` and ``from_line`` are the only way over the wire. A command is answered by any
number of ``Progress``, ``EpochDone`` and ``Log`` events and then exactly one closing event: ``Opened``,
``Measured``, ``Prepared``, ``Trained``, ``SupernetDone``, ``Combined``, ``Refitted``, ``Exported``,
``Doubted``, ``Failed`` or ``Stopped``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol


class Message:
    """A line on the wire. Subclasses are frozen dataclasses of JSON-able fields."""

    name: ClassVar[str]
    registry: ClassVar[dict[str, type[Message]]] = {}

    def __init_subclass__(cls, *, name: str) -> None:
        cls.name = name
        Message.registry[name] = cls


def to_line(message: Message) -> str:
    """The message as one line of JSON, without the line end."""
    return json.dumps({"type": message.name, **asdict(message)}, ensure_ascii=False)  # type: ignore[call-overload]


def from_line(line: str) -> Message:
    """The message in a line.

    Raises:
        ValueError: the line is not a known message.
    """
    data = json.loads(line)
    if not isinstance(data, dict) or data.get("type") not in Message.registry:
        raise ValueError(f"not a message of the engine: {line[:200]!r}")
    return Message.registry[data.pop("type")](**data)


@dataclass(frozen=True, kw_only=True)
class Opened(Message, name="opened"):
    """The data set is loaded. ``counts`` is pictures by split; ``labels`` gives the order of classes."""

    labels: list[str]
    counts: dict[str, int]
    device: str


@dataclass(frozen=True, kw_only=True)
class Progress(Message, name="progress"):
    """Where a command is.

    Attributes:
        phase: ``measure``, ``prepare``, ``supernet``, ``train``, ``finish`` or ``export``.
        text: what is being done, in words for the page.
        done, total: in the unit of the text; total 0 when it cannot be known.
    """

    phase: str
    text: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Measured(Message, name="measured"):
    """The plan, as ``Plan.to_dict`` writes it."""

    plan: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prepared(Message, name="prepared"):
    """Activations of ``pictures`` pictures are on disk; it took ``seconds``."""

    pictures: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class EpochDone(Message, name="epoch"):
    """One epoch of a trial. ``accuracy`` is on the validation split, 0..1; ``seconds`` of this epoch."""

    number: int
    epoch: int
    epochs: int
    train_loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Trained(Message, name="trained"):
    """A trial's figures.

    Attributes:
        accuracy: on the pictures that judged it, 0..1; ``standard_error`` is its binomial standard error.
        loss: mean cross-entropy on them, nats.
        parameters: weights of the whole network, trunk included. ``macs``: multiply-adds a picture.
        latency_ms: measured median for one picture, batch 1, one thread; ``size_bytes``: float32 weights.
        epochs: trained, in each fold; ``seconds``: wall clock, evaluation included.
        killed: whether training was ended early, because it would hardly have beaten the best.
        right: which of them it is right on, as ``evaluate.bootstrap.pack_bits`` writes it; the same pictures
            in the same order for all trials of a search that were trained in full and to the end.
        folds: of its cross-validation; up to 1 the validation split judged it.
        figures: more on the same pictures, where they may have several labels: ``mean_average_precision``
            and ``subset_accuracy``; ``accuracy`` is then the share of all their labels decided rightly.
    """

    number: int
    accuracy: float
    standard_error: float
    loss: float
    parameters: int
    macs: int
    latency_ms: float
    size_bytes: int
    epochs: int
    seconds: float
    killed: bool = False
    right: str = ""
    folds: int = 1
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SupernetDone(Message, name="supernet_done"):
    """What shared weights liked.

    Attributes:
        found: best first, ``vector`` of the space and ``accuracy`` on the validation split by shared weights.
        steps: in which the weights were trained; ``scored``: paths that the controller tried.
        histogram: how often each operation stands in the networks found.
        seconds: wall clock.
    """

    number: int
    found: list[dict[str, Any]]
    steps: int
    scored: int
    histogram: dict[str, int]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Combined(Message, name="combined"):
    """What answers best together; one network alone if no ensemble is better, or none is allowed.

    Attributes:
        members: ``number`` and ``weight``, the largest first; the weights sum to 1.
        accuracy, standard_error, loss, right, figures: as of ``Trained``, on the pictures that selected it.
        parameters, macs, latency_ms, size_bytes: of the whole, where what is shared counts once.
    """

    number: int
    members: list[dict[str, Any]]
    accuracy: float
    standard_error: float
    loss: float
    parameters: int
    macs: int
    latency_ms: float
    size_bytes: int
    seconds: float
    right: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refitted(Message, name="refitted"):
    """A trial's network has learned from all pictures but the sealed ones; it took ``seconds``."""

    number: int
    epochs: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Exported(Message, name="exported"):
    """A bundle stands in ``out``; ``model`` is what its ``model.json`` says."""

    number: int
    out: str
    model: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Doubted(Message, name="doubted"):
    """The labels of ``pictures`` pictures are ranked in the file ``out``; so many are ``suspected``."""

    out: str
    pictures: int
    suspected: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Failed(Message, name="failed"):
    """The command failed; the engine lives on.

    ``kind`` as in ``TrialFailed``, or ``settings`` if what was asked cannot be done; ``message`` is
    for people.
    """

    command: str
    kind: str
    message: str
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped(Message, name="stopped"):
    """The command was ended by ``Stop``."""

    command: str
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Log(Message, name="log"):
    """A line for the search's log. ``level``: ``info``, ``warning`` or ``error``."""

    text: str
    level: str = "info"
    data: dict[str, Any] = field(default_factory=dict)


CLOSING: tuple[type[Message], ...] = (
    Opened,
    Measured,
    Prepared,
    Trained,
    SupernetDone,
    Combined,
    Refitted,
    Exported,
    Doubted,
    Failed,
    Stopped,
)
"""The events that end a command."""


class EventSink(Protocol):
    """Where the engine's parts report to."""

    def emit(self, event: Message) -> None: ...
