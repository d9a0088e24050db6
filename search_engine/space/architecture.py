"""The genome: everything that makes one candidate network, as plain frozen data.

A genome says a trunk, the taps that feed the cells, a normal and a reduction cell (two-input nodes over a
named list of operations, as in NASNet and ENAS), a head, and the training recipe. No cells, a linear head
and a frozen trunk is plain transfer learning; the search goes on from there. Without a trunk the network
reads pixels and is trained from scratch: a stem, then the same two kinds of cells, or stages of blocks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
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


STEMS: dict[str, int] = {"conv_3x3": 2, "patch_4x4": 4}
"""What a network from scratch begins with, and by how much that shrinks the picture."""

BLOCKS: tuple[str, ...] = ("conv", "residual", "mbconv_e3k3", "mbconv_e6k5", "fused_mbconv")
"""One convolution; two with a shortcut (ResNet); inverted bottlenecks of expansion e and kernel k (MnasNet);
an inverted bottleneck that expands by a full 3 x 3 convolution (EfficientNetV2)."""

AUGMENTATIONS: tuple[str, ...] = ("none", "affine", "affine_strong", "trivial")
"""Random changes of a picture besides shifting and mirroring: turned, zoomed and sheared a little, or more;
one operation of TrivialAugment."""
LEARNED = "learned"
"""Named like these: the augmentation of ``Recipe.policy``."""


ADAMW, LBFGS = "adamw", "lbfgs"


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
    """The pretrained part: a name in ``TRUNKS`` and the side in pixels it sees."""

    name: str
    resolution: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one kind on one grid; the first block of every stage but the first halves the grid.

    Attributes:
        depth: how many blocks.
        width: channels that they give.
        block: a name in ``BLOCKS``.
        squeeze: whether they weigh their channels by squeeze and excitation.
    """

    depth: int
    width: int
    block: str
    squeeze: bool


@dataclass(frozen=True, slots=True)
class Scratch:
    """What takes the place of a trunk in a network that is trained on pixels.

    Attributes:
        resolution: side in pixels that it sees.
        stem: a name in ``STEMS``.
        stages: the network's body; empty if cells are.
    """

    resolution: int
    stem: str
    stages: tuple[Stage, ...] = ()


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
    """How the weights are trained.

    Attributes:
        learning_rate: peak.
        weight_decay: decoupled.
        batch_size: pictures a step.
        label_smoothing: mass spread over the other classes.
        mixup: Beta parameter of mixing the activations (or pixels) of two pictures; 0 for none.
        shift: pixels by which a picture is moved at most, at random, each time; without a trunk only.
        flip: whether a picture is mirrored left to right half of the times; without a trunk only.
        trunk_rate: learning rate of the trunk's trained stages as a share of the head's; 0 if all are frozen.
        solver: ``adamw`` with one cycle of the learning rate, or ``lbfgs`` for a classifier without hidden
            units on what a trunk pools: logistic regression to its optimum, for which nothing above
            matters.
        augment: a name in ``AUGMENTATIONS``, or ``learned``; without a trunk only.
        erase: chance of a picture to have a rectangle painted over, each time; without a trunk only.
        balance: how far the loss takes the skew of the labels out of the scores (logit adjustment, Menon et
            al. 2020): 0 is plain cross-entropy, at 1 every label counts as if it were equally common.
        policy: the learned augmentation, as ``policies.write_policy`` writes it; empty if ``augment`` is not
            ``learned``.
    """

    learning_rate: float
    weight_decay: float
    batch_size: int
    label_smoothing: float
    mixup: float
    shift: int = 0
    flip: bool = False
    solver: str = ADAMW
    augment: str = "none"
    erase: float = 0.0
    balance: float = 0.0
    trunk_rate: float = 0.0
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Genome:
    """One candidate.

    Attributes:
        trunk: the pretrained part; None for a network from scratch.
        taps: names of the trunk's stages that feed the first cell; empty without cells.
        normal: cell that keeps the grid; None without cells.
        reduction: cell that halves the grid; or None. On a trunk there is one, after the first half of the
            normal cells; from scratch there are two, and they double the channels.
        repeats: how many normal cells are stacked (from scratch: three times); 0 for none.
        width: channels of a cell's states; from scratch of the first cell's.
        shortcut: whether the head also sees the trunk's pooled embedding; always true without cells.
        head: the classifier.
        recipe: its training.
        scratch: input, stem and stages of a network without a trunk; None with a trunk.
        pooled: whether the head also sees means and standard deviations of every stage of the trunk.
        unfrozen: how many of the trunk's last stages are trained with the head, and the layer behind them; 0
            for a frozen trunk. Networks with cells stand on a frozen one.
    """

    trunk: Trunk | None
    taps: tuple[str, ...]
    normal: Cell | None
    reduction: Cell | None
    repeats: int
    width: int
    shortcut: bool
    head: Head
    recipe: Recipe
    scratch: Scratch | None = None
    pooled: bool = False
    unfrozen: int = 0

    @property
    def resolution(self) -> int:
        """Side in pixels of the pictures that the network sees; 0 if it has neither trunk nor stem."""
        part = self.trunk or self.scratch
        return part.resolution if part else 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The genome that ``to_dict`` wrote, also through JSON, also before genomes had all fields."""

        def cell(value: dict[str, Any] | None) -> Cell | None:
            return None if value is None else Cell(tuple(Node(**node) for node in value["nodes"]))

        def scratch(value: dict[str, Any] | None) -> Scratch | None:
            if value is None:
                return None
            return Scratch(value["resolution"], value["stem"], tuple(Stage(**s) for s in value["stages"]))

        return cls(
            trunk=None if data["trunk"] is None else Trunk(**data["trunk"]),
            taps=tuple(data["taps"]),
            normal=cell(data["normal"]),
            reduction=cell(data["reduction"]),
            repeats=data["repeats"],
            width=data["width"],
            shortcut=data["shortcut"],
            head=Head(**data["head"]),
            recipe=Recipe(**data["recipe"]),
            scratch=scratch(data.get("scratch")),
            pooled=data.get("pooled", False),
            unfrozen=data.get("unfrozen", 0),
        )


def fine_tuned(trunk: Trunk, unfrozen: int) -> Genome:
    """What people do by hand: the head first, then the last stages at a tenth of its rate. A control.

    Head and dropout are those of fastai's ``vision_learner``, rate and schedule those of ``fine_tune``
    (Howard and Gugger 2020), as far as they can be had on cached activations.
    """
    recipe = Recipe(
        learning_rate=0.002,
        weight_decay=0.01,
        batch_size=64,
        label_smoothing=0.0,
        mixup=0.0,
        trunk_rate=0.1,
    )
    probe = linear_probe(trunk)
    return replace(probe, head=Head(hidden=512, dropout=0.5), recipe=recipe, unfrozen=unfrozen)


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
