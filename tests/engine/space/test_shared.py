"""The base of a supernet: the limits and the start of a search hold for shared weights too."""

from __future__ import annotations

import random

import pytest

from search_engine.space.base import GenomeSpace
from search_engine.space.limited import LimitedSpace
from search_engine.space.macro import MacroSpace
from search_engine.space.shared import shared_base
from search_engine.supernet.paths import PathSpace, default_base, differs_in_cells_only
from tests.engine.supernet.drawn import CELLS, HYBRID, hybrid_base

CLASSES = 10


@pytest.mark.parametrize(("space", "limit"), [(HYBRID, 3_420_000), (CELLS, 120_000)])
def test_every_path_is_within_the_limit(space: GenomeSpace, limit: int) -> None:
    limited = LimitedSpace(space, classes=CLASSES, max_parameters=limit)
    base = shared_base(limited)
    assert base is not None
    paths, rng = PathSpace(space, base), random.Random(0)
    assert all(limited.is_legal(paths.whole(paths.uniform(rng))) for _ in range(100))
    unlimited = PathSpace(space, default_base(space))
    assert not all(limited.is_legal(unlimited.whole(unlimited.uniform(rng))) for _ in range(100))


def test_the_given_network_is_the_base() -> None:
    start = HYBRID.encode(hybrid_base())
    space = LimitedSpace(HYBRID, classes=CLASSES, max_parameters=None, first=start)
    assert shared_base(space) == HYBRID.decode(start)
    assert shared_base(HYBRID) == default_base(HYBRID) != HYBRID.decode(start)


def test_a_given_network_without_cells_leaves_the_base_to_the_space() -> None:
    space = LimitedSpace(HYBRID, classes=CLASSES, max_parameters=None, first=HYBRID.starts[0])
    assert shared_base(space) == default_base(HYBRID)


def test_a_given_network_is_narrowed_no_further_than_the_limit_asks() -> None:
    start = HYBRID.encode(hybrid_base())
    roomy = LimitedSpace(HYBRID, classes=CLASSES, max_parameters=10**8, first=start)
    tight = LimitedSpace(HYBRID, classes=CLASSES, max_parameters=3_400_000, first=start)
    assert shared_base(roomy) == HYBRID.decode(start)
    narrowed = shared_base(tight)
    assert narrowed is not None
    assert not differs_in_cells_only(narrowed, HYBRID.decode(start))
    assert narrowed.recipe == HYBRID.decode(start).recipe


def test_without_cells_there_is_no_base() -> None:
    assert shared_base(MacroSpace(32)) is None
