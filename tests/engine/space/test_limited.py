"""Spaces with a bound on weights, and a network of another search to begin with."""

from __future__ import annotations

import random

import pytest

from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.cost import cost
from search_engine.space.limited import LimitedSpace, adopt
from search_engine.space.registry import SPACES, make_space

TRUNK = Trunk("efficientnet_lite0", 128)
BOUNDS = {"hybrid": 3_450_000, "cells": 60_000, "macro": 40_000, "any": 3_450_000}


@pytest.mark.parametrize("name", sorted(SPACES))
def test_nothing_over_the_bound_is_sampled_mutated_crossed_or_begun_with(name: str) -> None:
    inner = make_space(name, TRUNK if name == "hybrid" else Trunk(TRUNK.name, 32))
    space = LimitedSpace(inner, classes=6, max_parameters=BOUNDS[name])
    rng = random.Random(1)
    free = [inner.sample(rng) for _ in range(20)]
    assert any(cost(inner.decode(v), 6).parameters > BOUNDS[name] for v in free)  # the bound binds
    vectors = [space.sample(rng) for _ in range(6)]
    vectors += [space.mutate(vectors[0], rng), space.crossover(vectors[1], vectors[2], rng), *space.starts]
    for vector in vectors:
        assert space.is_legal(vector)
        assert cost(space.decode(vector), 6).parameters <= BOUNDS[name]
    assert space.key(vectors[0]) == inner.key(vectors[0])


def test_a_bound_that_few_keep_is_met_by_shrinking() -> None:
    inner = make_space("macro", Trunk(TRUNK.name, 32))
    rng = random.Random(2)
    least = min(cost(inner.decode(inner.sample(rng)), 6).parameters for _ in range(300))
    space = LimitedSpace(inner, classes=6, max_parameters=int(0.8 * least))
    assert space.parameters(space.sample(rng)) <= int(0.8 * least)


def test_a_bound_that_nothing_keeps_says_what_the_smallest_has() -> None:
    space = LimitedSpace(make_space("macro", Trunk(TRUNK.name, 32)), classes=6, max_parameters=100)
    with pytest.raises(SpaceError, match="only 100 parameters; the smallest"):
        space.sample(random.Random(3))


@pytest.mark.parametrize("name", sorted(SPACES))
def test_a_network_of_another_resolution_can_be_begun_with(name: str) -> None:
    before = make_space(name, Trunk(TRUNK.name, 128 if name == "hybrid" else 32))
    now = make_space(name, Trunk(TRUNK.name, 192 if name == "hybrid" else 64))
    rng = random.Random(4)
    for _ in range(20):
        genome = before.decode(before.sample(rng))
        vector = adopt(now, genome)
        assert now.decode(vector).normal == genome.normal
        assert now.decode(vector).head == genome.head
        space = LimitedSpace(now, classes=6, max_parameters=None, first=vector)
        assert space.starts[0] == vector
        assert space.starts[1:] == now.starts


def test_a_network_of_another_kind_is_refused() -> None:
    hybrid, cells = make_space("hybrid", TRUNK), make_space("cells", Trunk(TRUNK.name, 32))
    with pytest.raises(SpaceError, match="another kind"):
        adopt(hybrid, cells.decode(cells.starts[0]))
