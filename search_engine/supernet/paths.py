"""The paths through a supernet: all that a space lets the cells be, while everything else stays as it is."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from search_engine.errors import SpaceError
from search_engine.space.architecture import OPERATIONS, Genome
from search_engine.space.base import Decision, GenomeSpace, VectorSpace
from search_engine.space.layout import PlacedCell, is_free, layout
from search_engine.space.scratch import scratch_layout
from search_engine.trial import Vector

FREE_SHARE = 5 / 8
"""Most of a cell's edges that may be without weights. Half of the operations have none, so of two cells drawn
at random 27 % are beyond it."""


def placed_cells(genome: Genome) -> tuple[PlacedCell, ...]:
    """The cells of a genome's network, in order.

    Raises:
        SpaceError: the genome makes no network.
    """
    return scratch_layout(genome).cells if genome.trunk is None else layout(genome).cells


def default_base(space: GenomeSpace) -> Genome:
    """The first of the space's starting points that has cells.

    Raises:
        SpaceError: there is none; in such a space no weights can be shared.
    """
    for vector in space.starts:
        genome = space.decode(vector)
        if genome.normal is not None:
            return genome
    raise SpaceError("this space has no cells, so its networks have no weights to share")


def differs_in_cells_only(genome: Genome, base: Genome) -> bool:
    """Whether a genome is a path through the supernet of ``base``."""
    same_kind = (genome.normal is None, genome.reduction is None) == (
        base.normal is None,
        base.reduction is None,
    )
    return same_kind and replace(genome, normal=base.normal, reduction=base.reduction) == base


def count_operations(genomes: Iterable[Genome]) -> dict[str, int]:
    """How often each operation stands in the genomes' networks."""
    counts = Counter(
        op
        for genome in genomes
        for cell in placed_cells(genome)
        for pair in cell.graph.nodes
        for _, op in pair
    )
    return {op: counts[op] for op in OPERATIONS}


class PathSpace(VectorSpace):
    """The decisions about cells of a space; all others are those of a base genome.

    The known failure of weight sharing is a cell of nothing but shortcuts: it trains fastest, so it scores
    best, and it is worthless. So a path of which a cell has more than ``FREE_SHARE`` of its edges without
    weights, or no edges at all, is not legal here. Equivalent edges count once, as in the network.

    Attributes:
        base: the genome that gives macro structure, head and recipe.
        decisions: about normal and, if the base has one, reduction cell.
    """

    def __init__(self, space: GenomeSpace, base: Genome) -> None:
        """Raises ``SpaceError`` if the base is not of the space or has no cells."""
        if base.normal is None:
            raise SpaceError("a supernet needs a base with cells")
        self.base = base
        self._space = space
        self._vector = space.encode(base)
        cells = ("normal.",) if base.reduction is None else ("normal.", "reduction.")
        self._places = [i for i, d in enumerate(space.decisions) if d.name.startswith(cells)]
        self._decisions = tuple(space.decisions[i] for i in self._places)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self._decisions

    @property
    def starts(self) -> tuple[Vector, ...]:
        """The base's own cells."""
        own = tuple(self._vector[place] for place in self._places)
        return (own,) if self.is_legal(own) else ()

    def key(self, vector: Vector) -> str:
        return self._space.key(self.whole(vector))

    def is_legal(self, vector: Vector) -> bool:
        """Whether every cell has weights enough."""
        return super().is_legal(vector) and all(map(_has_weights, placed_cells(self.genome(vector))))

    def whole(self, vector: Vector) -> Vector:
        """The vector of the whole space."""
        chosen = dict(zip(self._places, vector, strict=True))
        return tuple(chosen.get(place, index) for place, index in enumerate(self._vector))

    def genome(self, vector: Vector) -> Genome:
        """The genome of a path."""
        return self._space.decode(self.whole(vector))

    def uniform(self, rng: random.Random) -> Vector:
        """Every decision uniform, legal or not: what single-path training draws (Guo et al. 2019)."""
        return tuple(rng.randrange(len(decision.choices)) for decision in self.decisions)


def _has_weights(cell: PlacedCell) -> bool:
    edges = [edge for pair in cell.graph.nodes for edge in pair]
    free = sum(is_free(cell, edge) for edge in edges)
    return len(edges) > 0 and free <= FREE_SHARE * len(edges)
