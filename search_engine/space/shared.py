"""What the networks of a supernet have in common: a base whose cells alone vary, within a search's limits.

The engine process that trains shared weights knows neither limit nor start, so the base is chosen here, where
both are known: so narrow that its heaviest cells, too, are within the limit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome
from search_engine.space.base import GenomeSpace
from search_engine.space.limited import LimitedSpace
from search_engine.trial import Vector

CELLS = ("normal.", "reduction.")
"""How the names of decisions about cells begin."""
HEAVIEST = "sep_conv_5x5"
"""The operation with the most weights."""
DRAWS = 16
"""Ways of wiring it that are looked at: which one has the most weights hangs on which nodes are left over."""


def shared_base(space: GenomeSpace) -> Genome | None:
    """The genome that fixes everything but the cells of a supernet.

    Args:
        space: to search; a ``LimitedSpace`` says what is begun with and how many weights there may be.

    Returns:
        The given start, or the space's first with cells; one step after the other made smaller, as far as the
        limit asks. None if the space has no cells.
    """
    inner = space.inner if isinstance(space, LimitedSpace) else space
    first = (space.first,) if isinstance(space, LimitedSpace) and space.first is not None else ()
    with_cells = [v for v in (*first, *inner.starts) if inner.decode(v).normal is not None]
    if not with_cells:
        return None
    base = with_cells[0]
    if isinstance(space, LimitedSpace) and space.max_parameters is not None:
        while (weights := _most(space, base)) > space.max_parameters:
            smaller = {v: n for v in _smaller(inner, base) if (n := _most(space, v)) < weights}
            if not smaller:
                break  # light cells may still fit; the strategy passes the others over
            base = max(smaller, key=lambda vector: smaller[vector])
    return inner.decode(base)


def _smaller(space: GenomeSpace, base: Vector) -> Iterator[Vector]:
    """Neighbours that have cells and differ in something else."""
    for place, decision in enumerate(space.decisions):
        if decision.name.startswith((*CELLS, "recipe.")):
            continue
        for index in range(len(decision.choices)):
            vector = (*base[:place], index, *base[place + 1 :])
            if index != base[place] and space.is_legal(vector) and space.decode(vector).normal is not None:
                yield vector


def _most(space: LimitedSpace, base: Vector) -> int:
    """Weights of the heaviest path, as near as a few wirings tell."""
    rng = random.Random(0)
    return max(space.parameters(_wired(space, base, rng)) for _ in range(DRAWS))


def _wired(space: GenomeSpace, base: Vector, rng: random.Random) -> Vector:
    vector = list(base)
    for place, decision in enumerate(space.decisions):
        if decision.name.startswith(CELLS):
            heavy = HEAVIEST in decision.choices
            vector[place] = (
                decision.choices.index(HEAVIEST) if heavy else rng.randrange(len(decision.choices))
            )
    try:
        space.decode(tuple(vector))
    except SpaceError:
        return base
    return tuple(vector)
