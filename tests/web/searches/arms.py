"""Networks with decisions, and with the pictures they are right on."""

from __future__ import annotations

from typing import Any

import numpy as np

from search_engine.config import SearchConfig
from search_engine.evaluate.bootstrap import pack_bits
from search_engine.proposing import space_of
from search_engine.space.base import GenomeSpace
from search_engine.trial import Vector
from tests.web.searches.making import PLAN, add_trial
from webapp.searches.models import Search, Trial

PICTURES = 200
SPACE: GenomeSpace = space_of(SearchConfig(budget_seconds=60.0), PLAN)


def scored(search: Search, right: int, **values: Any) -> Trial:
    """The next trial, right on so many of the first of 200 validation pictures."""
    row = np.arange(PICTURES) < right
    return add_trial(
        search, accuracy=right / PICTURES, standard_error=0.02, **{"right": pack_bits(row), **values}
    )


def network(search: Search, right: int, vector: Vector, **values: Any) -> Trial:
    """The same with decisions."""
    genome = SPACE.decode(vector).to_dict()
    return scored(
        search,
        right,
        **{"vector": list(vector), "genome": genome, "genome_hash": SPACE.key(vector), **values},
    )


def changed(vector: Vector, name: str, index: int) -> Vector:
    """The vector with one decision made differently."""
    place = [decision.name for decision in SPACE.decisions].index(name)
    return (*vector[:place], index, *vector[place + 1 :])


def family(search: Search) -> list[Trial]:
    """Two controls, a starting design, a child of it that is better, and a child of that which is not."""
    scored(search, 20)
    scored(search, 150)
    first = SPACE.starts[1]
    second = changed(first, "normal.0.op_a", 2)
    third = changed(second, "recipe.learning_rate", 4)
    return [
        network(search, 150, first),
        network(search, 180, second, parent_number=2),
        network(search, 181, third, parent_number=3),
    ]
