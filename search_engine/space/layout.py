"""A genome laid out: which cells stand where, what each reads, on which grid. No weights yet.

Building, counting, hashing and drawing all start from here, so they cannot disagree. Cells whose output
nothing reads are left out. Networks without a trunk are laid out in ``scratch``, their cells placed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from search_engine.errors import SpaceError
from search_engine.space.architecture import Cell, Genome
from search_engine.space.graph import PARAMETER_FREE, Edge, Graph, canonical, keep_inputs, simplify
from search_engine.space.trunks import TRUNKS, Tail, TrunkSpec

STEM = 0
"""Index of the fused taps, or of the stem of a network from scratch; placed cell i has index i + 1."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a placed cell reads.

    Attributes:
        index: of the stem or of a cell.
        reduce: whether its grid is halved first, and its channels brought to the reader's width.
        channels: that it has.
    """

    index: int
    reduce: bool
    channels: int


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A cell at its place.

    Attributes:
        place: in the row, from 0; cells that nothing reads are counted too.
        reduction: whether operations on the sources have stride 2.
        sources: the graph's inputs, oldest first.
        graph: canonical.
        grid_in, grid_out: side of the grid that it reads (after ``Source.reduce``) and writes.
        width, width_out: channels of its states and of its output.
    """

    place: int
    reduction: bool
    sources: tuple[Source, ...]
    graph: Graph
    grid_in: int
    grid_out: int
    width: int
    width_out: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The part of a network that is on top of its trunk.

    Attributes:
        spec: facts of the trunk.
        taps: in the order of the trunk's stages; empty without cells.
        grid: side of the taps' grid.
        width: channels of every state; 0 without cells.
        cells: in order.
        embedding: whether the head reads the trunk's pooled embedding.
        pooled: whether it reads means and standard deviations of every stage.
        tail: the stages of the trunk that are trained; None if it is frozen.
    """

    spec: TrunkSpec
    taps: tuple[str, ...]
    grid: int
    width: int
    cells: tuple[PlacedCell, ...]
    embedding: bool
    pooled: bool = False
    tail: Tail | None = None

    @property
    def unfrozen(self) -> int:
        """How many of the trunk's last stages are trained."""
        return 0 if self.tail is None else len(self.spec.stages) - self.tail.first

    @property
    def tap_channels(self) -> int:
        return sum(self.spec.tap(name).channels for name in self.taps)

    @property
    def features(self) -> int:
        """Numbers that the head reads."""
        embedding = self.spec.embedding if self.embedding else 0
        return self.width + embedding + (self.spec.pooled if self.pooled else 0)


def layout(genome: Genome) -> Layout:
    """Lay out a genome.

    Raises:
        SpaceError: the genome makes no network, e.g. cells without taps.
    """
    if genome.trunk is None:
        raise SpaceError("a genome without a trunk is laid out by scratch_layout")
    if genome.trunk.name not in TRUNKS:
        raise SpaceError(f"unknown trunk {genome.trunk.name!r}; known: {', '.join(TRUNKS)}")
    spec = TRUNKS[genome.trunk.name]
    grid = spec.grid(genome.trunk.resolution)
    tail = spec.tail(genome.unfrozen)
    if genome.repeats == 0:
        return Layout(spec, (), grid, 0, (), embedding=True, pooled=genome.pooled, tail=tail)
    if tail is not None:
        raise SpaceError("cells stand on a frozen trunk")
    if not genome.taps or genome.normal is None or genome.width < 2:
        raise SpaceError("a network with cells needs taps, a normal cell and a width of 2 or more")
    taps = tuple(spec.tap(name).name for name in genome.taps)
    return Layout(
        spec=spec,
        taps=tuple(tap.name for tap in spec.taps if tap.name in taps),
        grid=grid,
        width=genome.width,
        cells=place_cells(cell_sequence(genome), grid, genome.width),
        embedding=genome.shortcut,
        pooled=genome.pooled,
    )


def cell_sequence(genome: Genome) -> list[tuple[Cell, bool]]:
    """The cells in order, each with whether it is a reduction; the reduction follows the first half."""
    if genome.repeats == 0 or genome.normal is None:
        return []
    sequence = [(genome.normal, False)] * genome.repeats
    if genome.reduction is not None:
        sequence.insert((genome.repeats + 1) // 2, (genome.reduction, True))
    return sequence


def place_cells(
    sequence: Sequence[tuple[Cell, bool]], grid: int, width: int, *, grow: int = 1
) -> tuple[PlacedCell, ...]:
    """Put cells in a row behind a stem, each reading the two before it; those that nothing reads are dropped.

    Args:
        sequence: cells, each with whether it is a reduction; never two reductions in a row.
        grid: side of the stem's grid.
        width: channels of the stem.
        grow: factor on the channels at each reduction.
    """
    placed: list[PlacedCell] = []
    grids, widths = [grid], [width]
    for i, (cell, reduction) in enumerate(sequence):
        older, newer = max(i - 1, STEM), i
        full = simplify(cell, same_inputs=older == newer, reduction=reduction)
        grid_in, width_in = grids[newer], widths[newer]
        roles = (older, newer)
        read = [roles[r] for r in full.used_inputs]
        grids.append((grid_in + 1) // 2 if reduction else grid_in)
        widths.append(width_in * grow if reduction else width_in)
        placed.append(
            PlacedCell(
                place=i,
                reduction=reduction,
                sources=tuple(Source(r, reduce=grids[r] != grid_in, channels=widths[r]) for r in read),
                graph=canonical(keep_inputs(full)),
                grid_in=grid_in,
                grid_out=grids[-1],
                width=width_in,
                width_out=widths[-1],
            )
        )
    return _without_dead(placed)


def _without_dead(cells: list[PlacedCell]) -> tuple[PlacedCell, ...]:
    """Drop cells that the last cell does not depend on, and renumber what is read."""
    live = {len(cells)}
    for i in range(len(cells), 0, -1):
        if i in live:
            live |= {source.index for source in cells[i - 1].sources}
    new_of = {old: new for new, old in enumerate(sorted(live | {STEM}))}
    return tuple(
        replace(cell, sources=tuple(replace(s, index=new_of[s.index]) for s in cell.sources))
        for i, cell in enumerate(cells, start=1)
        if i in live
    )


def is_free(cell: PlacedCell, edge: Edge) -> bool:
    """Whether an edge of the cell's graph has no weights; identity has some where it halves the grid."""
    state, op = edge
    return op in PARAMETER_FREE and not (op == "identity" and cell.reduction and state < cell.graph.inputs)
