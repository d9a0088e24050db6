"""A genome without a trunk laid out: stem, then cells or blocks, each with its grid and channels.

What ``layout`` is for cells on a trunk. Building, counting, hashing and drawing all start from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from search_engine.errors import SpaceError
from search_engine.space.architecture import BLOCKS, STEMS, Cell, Genome, Scratch
from search_engine.space.layout import PlacedCell, place_cells

PIXELS = "pixels"
"""Name of what a network from scratch reads: (N, R, R, 3), 0..255."""

STEM_KERNELS = {"conv_3x3": 3, "patch_4x4": 4}
"""Side of the stem's filters."""

EXPANSION = {"mbconv_e3k3": 3, "mbconv_e6k5": 6, "fused_mbconv": 3}
"""Channels inside an inverted bottleneck, as a multiple of those that it reads."""

SQUEEZE = 8  # channels for each unit of squeeze and excitation; EfficientNet's 4 is of the narrow end
NARROWEST = 4  # units
SMALLEST_INPUT = 8  # pixels; below it the stem leaves nothing


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block of a stage at its place.

    Attributes:
        kind: a name in ``architecture.BLOCKS``.
        squeeze: whether it weighs its channels.
        stage: index of its stage.
        channels_in, channels_out: of its input and output.
        stride: 1, or 2 to halve the grid, rounding up.
        grid_in, grid_out: sides of the grids it reads and writes.
    """

    kind: str
    squeeze: bool
    stage: int
    channels_in: int
    channels_out: int
    stride: int
    grid_in: int
    grid_out: int

    @property
    def inner(self) -> int:
        """Channels inside: expanded in an inverted bottleneck, else those of the output."""
        return self.channels_in * EXPANSION[self.kind] if self.kind in EXPANSION else self.channels_out

    @property
    def same_shape(self) -> bool:
        """Whether its input can be added to its output as it is."""
        return self.stride == 1 and self.channels_in == self.channels_out


@dataclass(frozen=True, slots=True)
class ScratchLayout:
    """A whole network without a trunk.

    Attributes:
        resolution: side in pixels of the input.
        stem: a name in ``architecture.STEMS``.
        grid, width: side and channels of what the stem gives.
        cells: in order; empty in the macro space.
        blocks: in order; empty in the cell space.
    """

    resolution: int
    stem: str
    grid: int
    width: int
    cells: tuple[PlacedCell, ...]
    blocks: tuple[PlacedBlock, ...]

    @property
    def features(self) -> int:
        """Numbers that the head reads."""
        return self.cells[-1].width_out if self.cells else self.blocks[-1].channels_out


def squeeze_units(channels: int) -> int:
    """Hidden units of squeeze and excitation."""
    return max(NARROWEST, channels // SQUEEZE)


def scratch_layout(genome: Genome) -> ScratchLayout:
    """Lay out a genome without a trunk.

    Raises:
        SpaceError: the genome makes no network.
    """
    scratch = genome.scratch
    if genome.trunk is not None or scratch is None:
        raise SpaceError("a network needs either a trunk or what stands in its place")
    if scratch.stem not in STEMS:
        raise SpaceError(f"unknown stem {scratch.stem!r}; known: {', '.join(STEMS)}")
    if scratch.resolution < SMALLEST_INPUT:
        raise SpaceError(f"a network from scratch sees {SMALLEST_INPUT} pixels or more")
    grid = -(-scratch.resolution // STEMS[scratch.stem])
    if scratch.stages:
        width, blocks = scratch.stages[0].width, _place_blocks(scratch, grid)
        return ScratchLayout(scratch.resolution, scratch.stem, grid, width, (), blocks)
    cells = place_cells(scratch_sequence(genome), grid, genome.width, grow=2)
    return ScratchLayout(scratch.resolution, scratch.stem, grid, genome.width, cells, ())


def at_resolution(genome: Genome, resolution: int) -> Genome:
    """The same network on smaller or larger pictures; shifts, which are in pixels, go with them.

    Raises:
        SpaceError: the genome stands on a trunk.
    """
    if genome.scratch is None:
        raise SpaceError("only networks from scratch can be brought to another resolution")
    shift = genome.recipe.shift * resolution // genome.scratch.resolution
    return replace(
        genome,
        scratch=replace(genome.scratch, resolution=resolution),
        recipe=replace(genome.recipe, shift=shift),
    )


def scratch_sequence(genome: Genome) -> list[tuple[Cell, bool]]:
    """NASNet's order: the normal cells, a reduction, and so on; three times normal, twice reduction."""
    if genome.repeats < 1 or genome.normal is None or genome.reduction is None or genome.width < 2:
        raise SpaceError(
            "a network from scratch needs stages, or a normal and a reduction cell, repeats and a width"
        )
    normal, reduction = [(genome.normal, False)] * genome.repeats, [(genome.reduction, True)]
    return [*normal, *reduction, *normal, *reduction, *normal]


def _place_blocks(scratch: Scratch, grid: int) -> tuple[PlacedBlock, ...]:
    blocks: list[PlacedBlock] = []
    channels = scratch.stages[0].width
    for index, stage in enumerate(scratch.stages):
        if stage.block not in BLOCKS:
            raise SpaceError(f"unknown block {stage.block!r}; known: {', '.join(BLOCKS)}")
        if stage.depth < 1 or stage.width < 2:
            raise SpaceError("a stage needs a block and a width of 2 or more")
        for place in range(stage.depth):
            stride = 2 if index > 0 and place == 0 else 1
            after = -(-grid // stride)
            blocks.append(
                PlacedBlock(
                    kind=stage.block,
                    squeeze=stage.squeeze,
                    stage=index,
                    channels_in=channels,
                    channels_out=stage.width,
                    stride=stride,
                    grid_in=grid,
                    grid_out=after,
                )
            )
            channels, grid = stage.width, after
    return tuple(blocks)
