"""Which paths there are, and which are ruled out."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from search_engine.errors import SpaceError
from search_engine.space.architecture import Cell, Genome, Node
from search_engine.space.base import GenomeSpace
from search_engine.space.layout import is_free
from search_engine.space.macro import MacroSpace
from search_engine.supernet.paths import (
    FREE_SHARE,
    PathSpace,
    count_operations,
    default_base,
    differs_in_cells_only,
    placed_cells,
)
from tests.engine.supernet.drawn import CELLS, HYBRID, cells_base, cells_paths, hybrid_paths


@pytest.mark.parametrize("paths", [cells_paths(), hybrid_paths()])
def test_a_path_is_the_base_with_other_cells(paths: PathSpace) -> None:
    for seed in range(20):
        genome = paths.genome(paths.uniform(random.Random(seed)))
        assert differs_in_cells_only(genome, paths.base)
    (start,) = paths.starts
    assert paths.genome(start) == paths.base


def test_without_a_reduction_nothing_is_decided_about_it() -> None:
    base = default_base(HYBRID)
    assert base.reduction is None
    assert {d.name.split(".")[0] for d in PathSpace(HYBRID, base).decisions} == {"normal"}
    assert {d.name.split(".")[0] for d in cells_paths().decisions} == {"normal", "reduction"}


def test_the_warm_up_draws_every_choice_equally_often() -> None:
    paths, rng, draws = cells_paths(), random.Random(0), 3000
    drawn = [paths.uniform(rng) for _ in range(draws)]
    for place, decision in enumerate(paths.decisions):
        counts = Counter(vector[place] for vector in drawn)
        expected = draws / len(decision.choices)
        for choice in range(len(decision.choices)):  # five standard deviations of a multinomial count
            assert abs(counts[choice] - expected) < 5 * expected**0.5


def collapsed(space: GenomeSpace, base: Genome, op: str) -> tuple[PathSpace, tuple[int, ...]]:
    """All of both cells is one operation, each node reading its two newest states."""
    cell = Cell(tuple(Node(i, op, i + 1, op) for i in range(4)))
    paths = PathSpace(space, base)
    genome = replace(base, normal=cell, reduction=base.reduction and cell)
    chosen = space.encode(genome)
    names = {d.name: chosen[i] for i, d in enumerate(space.decisions)}
    return paths, tuple(names[d.name] for d in paths.decisions)


@pytest.mark.parametrize("space", [CELLS, HYBRID])
def test_cells_of_shortcuts_or_pools_alone_are_ruled_out(space: GenomeSpace) -> None:
    for op in ("identity", "avg_pool_3x3", "max_pool_3x3"):
        paths, vector = collapsed(space, default_base(space), op)
        assert not paths.is_legal(vector)
    for op in ("sep_conv_3x3", "conv_1x1"):
        paths, vector = collapsed(space, default_base(space), op)
        assert paths.is_legal(vector)


@pytest.mark.parametrize("paths", [cells_paths(), hybrid_paths()])
def test_every_legal_path_keeps_the_cap_in_every_cell(paths: PathSpace) -> None:
    rng, legal = random.Random(0), 0
    for _ in range(200):
        vector = paths.uniform(rng)
        shares = []
        for cell in placed_cells(paths.genome(vector)):
            edges = [edge for pair in cell.graph.nodes for edge in pair]
            shares.append(sum(is_free(cell, edge) for edge in edges) / len(edges) if edges else 1.0)
        assert paths.is_legal(vector) == (max(shares) <= FREE_SHARE)
        legal += paths.is_legal(vector)
    assert 60 < legal < 190  # the cap binds, and leaves a space to search


def test_operations_are_counted_as_they_stand_in_the_network() -> None:
    counts = count_operations([cells_base()])
    edges = [e for cell in placed_cells(cells_base()) for pair in cell.graph.nodes for e in pair]
    assert sum(counts.values()) == len(edges)
    assert counts["sep_conv_5x5"] == 2  # one in each reduction


def test_a_space_without_cells_has_nothing_to_share() -> None:
    with pytest.raises(SpaceError, match="no cells"):
        default_base(MacroSpace(32))
    with pytest.raises(SpaceError, match="needs a base with cells"):
        PathSpace(HYBRID, HYBRID.decode(HYBRID.starts[0]))
