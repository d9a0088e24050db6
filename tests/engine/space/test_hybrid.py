"""The hybrid space: vectors and genomes say the same, and every move stays inside."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Head, Trunk, linear_probe
from search_engine.space.hybrid import HybridSpace
from search_engine.trial import Vector
from tests.engine.space.genomes import SPACE, SPEC, vectors


@settings(max_examples=300, deadline=None)
@given(vectors(), st.integers(0, 2**32))
def test_mutation_changes_one_decision_and_the_network(vector: Vector, seed: int) -> None:
    child = SPACE.mutate(vector, random.Random(seed))
    assert sum(a != b for a, b in zip(vector, child, strict=True)) == 1
    assert SPACE.key(child) != SPACE.key(vector)
    SPACE.check(child)
    assert child == SPACE.mutate(vector, random.Random(seed))


@settings(max_examples=200, deadline=None)
@given(vectors(), vectors(), st.integers(0, 2**32))
def test_a_child_of_two_takes_every_decision_from_one_of_them(a: Vector, b: Vector, seed: int) -> None:
    child = SPACE.crossover(a, b, random.Random(seed))
    SPACE.check(child)
    assert all(c in pair for c, pair in zip(child, zip(a, b, strict=True), strict=True))


def test_every_choice_of_every_decision_is_drawn() -> None:
    rng = random.Random(0)
    drawn = [SPACE.sample(rng) for _ in range(400)]
    for i, decision in enumerate(SPACE.decisions):
        assert {vector[i] for vector in drawn} == set(range(len(decision.choices))), decision.name


def test_the_starting_points_are_logistic_regression_a_perceptron_and_cells_on_every_stage() -> None:
    logistic, perceptron, convolutional = (SPACE.decode(vector) for vector in SPACE.starts)
    assert logistic.recipe.solver == "lbfgs"
    assert (perceptron.repeats, convolutional.repeats) == (0, 1)
    assert all(genome.pooled for genome in (logistic, perceptron, convolutional))


def test_searches_planned_before_heads_saw_every_stage_keep_their_decisions() -> None:
    """Their trials hold vectors of 48 indices, and genomes that say nothing of it."""
    older = HybridSpace(SPACE.trunk)
    vector = older.sample(random.Random(3))
    assert len(vector) == 48
    genome = older.decode(vector)
    stored = genome.to_dict()
    del stored["pooled"], stored["recipe"]["solver"]
    assert Genome.from_dict(stored) == genome
    assert SPACE.decode(SPACE.encode(genome)) == genome
    assert SPACE.key(SPACE.encode(genome)) == older.key(vector)


@settings(max_examples=200, deadline=None)
@given(vectors())
def test_only_a_linear_head_without_cells_is_fitted_by_lbfgs_and_then_no_number_matters(
    vector: Vector,
) -> None:
    place = {decision.name: i for i, decision in enumerate(SPACE.decisions)}
    asked = [*vector[:-1], 1]
    genome = SPACE.decode(tuple(asked))
    assert (genome.recipe.solver == "lbfgs") == (genome.repeats == 0 and genome.head.hidden == 0)
    asked[place["recipe.learning_rate"]] = 0
    other = list(asked)
    other[place["recipe.learning_rate"]] = 1
    same = SPACE.key(tuple(asked)) == SPACE.key(tuple(other))
    assert same == (genome.recipe.solver == "lbfgs")


@pytest.mark.parametrize("resolution", SPEC.resolutions)
def test_the_space_stands_on_each_resolution(resolution: int) -> None:
    space = HybridSpace(Trunk(SPEC.name, resolution))
    vector = space.sample(random.Random(1))
    assert space.decode(vector).resolution == resolution
    assert space.key(vector) != HybridSpace(Trunk(SPEC.name, 32)).key(vector)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ((0, 1), "has 50 entries, not 2"),
        ((9,) * 50, "tap.stage2 must be an index from 0 to 1, not 9"),
        ((0,) * 50, "not allowed"),
    ],
)
def test_a_vector_from_elsewhere_is_refused(vector: Vector, reason: str) -> None:
    with pytest.raises(SpaceError, match=reason):
        SPACE.decode(vector)


def test_a_genome_from_elsewhere_is_refused() -> None:
    inside = SPACE.decode(SPACE.starts[0])
    with pytest.raises(SpaceError, match="stands on"):
        SPACE.encode(dataclasses.replace(inside, trunk=Trunk(SPEC.name, 96)))
    with pytest.raises(SpaceError, match=r"head\.hidden cannot be 77"):
        SPACE.encode(dataclasses.replace(inside, head=Head(77, 0.0)))
    with pytest.raises(SpaceError, match=r"recipe\.learning_rate"):
        SPACE.encode(linear_probe(SPACE.trunk))
    with pytest.raises(SpaceError, match="unknown trunk"):
        HybridSpace(Trunk("nonesuch", 128))


def test_children_of_one_parent_are_drawn_without_reading_a_neighbour_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space, asked, key = HybridSpace(SPACE.trunk), [], HybridSpace.key

    def note(space: HybridSpace, vector: Vector) -> str:
        asked.append(vector)
        return key(space, vector)

    monkeypatch.setattr(HybridSpace, "key", note)
    parent = space.starts[0]
    for seed in range(50):
        space.mutate(parent, random.Random(seed))
    assert len(asked) == len(set(asked)) > 10
