"""The genome: everything that makes one candidate network, as plain frozen data.

A genome says a trunk, the taps that feed the cells, a normal and a reduction cell (two-input nodes over a
named list of operations, as in NASNet and ENAS), a head, and the training recipe. No cells, a linear head
and a frozen trunk is plain transfer learning; the search goes on from there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

OPERATIONS: tuple[str, ...] = (
    "identity",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
    "conv_1x1",
)
"""ENAS's five operations and a pointwise convolution."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cell: ``op_a(state[input_a]) + op_b(state[input_b])``.

    States 0 and 1 are the outputs of the two previous cells, state 2 + i is node i.
    """

    input_a: int
    op_a: str
    input_b: int
    op_b: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A directed acyclic graph of nodes; states that no node reads are concatenated into the output."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Trunk:
    """The frozen pretrained part: a name in ``TRUNKS`` and the side in pixels it sees."""

    name: str
    resolution: int


@dataclass(frozen=True, slots=True)
class Head:
    """What turns features into class scores.

    Attributes:
        hidden: units of a hidden layer; 0 for a linear head.
        dropout: probability before the last layer.
    """

    hidden: int
    dropout: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the weights on top of the trunk are trained (AdamW, one cycle).

    Attributes:
        learning_rate: peak.
        weight_decay: decoupled.
        batch_size: pictures a step.
        label_smoothing: mass spread over the other classes.
        mixup: Beta parameter of mixing the activations of two pictures; 0 for none.
    """

    learning_rate: float
    weight_decay: float
    batch_size: int
    label_smoothing: float
    mixup: float


@dataclass(frozen=True, slots=True)
class Genome:
    """One candidate.

    Attributes:
        trunk: the frozen pretrained part.
        taps: names of the trunk's stages that feed the first cell; empty without cells.
        normal: cell that keeps the grid; None without cells.
        reduction: cell that halves the grid, placed after the first half of the normal cells; or None.
        repeats: how many normal cells are stacked; 0 for none.
        width: channels of a cell's states.
        shortcut: whether the head also sees the trunk's pooled embedding; always true without cells.
        head: the classifier.
        recipe: its training.
    """

    trunk: Trunk
    taps: tuple[str, ...]
    normal: Cell | None
    reduction: Cell | None
    repeats: int
    width: int
    shortcut: bool
    head: Head
    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The genome that ``to_dict`` wrote, also after a trip through JSON."""

        def cell(value: dict[str, Any] | None) -> Cell | None:
            return None if value is None else Cell(tuple(Node(**node) for node in value["nodes"]))

        return cls(
            trunk=Trunk(**data["trunk"]),
            taps=tuple(data["taps"]),
            normal=cell(data["normal"]),
            reduction=cell(data["reduction"]),
            repeats=data["repeats"],
            width=data["width"],
            shortcut=data["shortcut"],
            head=Head(**data["head"]),
            recipe=Recipe(**data["recipe"]),
        )


def linear_probe(trunk: Trunk) -> Genome:
    """Plain transfer learning on a trunk: the control that every search must beat."""
    return Genome(
        trunk=trunk,
        taps=(),
        normal=None,
        reduction=None,
        repeats=0,
        width=0,
        shortcut=True,
        head=Head(hidden=0, dropout=0.0),
        recipe=Recipe(learning_rate=0.0, weight_decay=0.0, batch_size=0, label_smoothing=0.0, mixup=0.0),
    )
