"""Both kinds of networks in one space."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.space.architecture import Trunk
from search_engine.space.limited import LimitedSpace
from search_engine.space.offer import Offer
from search_engine.space.union import FAMILIES, SCRATCH, TRUNK, UnionSpace, family_of, only
from search_engine.trial import Vector

SPACE = UnionSpace(Trunk("efficientnet_lite0", 128), 32, offer=Offer(augmented=True))
VECTORS = st.integers(0, 2**32).map(lambda seed: SPACE.sample(random.Random(seed)))


@settings(max_examples=100, deadline=None)
@given(VECTORS)
def test_vector_to_genome_and_back(vector: Vector) -> None:
    genome = SPACE.decode(vector)
    assert (genome.trunk is None) == (family_of(vector) == SCRATCH)
    assert genome.resolution == (32 if genome.trunk is None else 128)
    again = SPACE.encode(genome)
    assert SPACE.decode(again) == genome
    assert SPACE.key(again) == SPACE.key(vector)


@settings(max_examples=50, deadline=None)
@given(VECTORS, st.integers(0, 2**32))
def test_mutation_changes_one_decision_and_the_network(vector: Vector, seed: int) -> None:
    child = SPACE.mutate(vector, random.Random(seed))
    assert sum(a != b for a, b in zip(vector, child, strict=True)) == 1
    assert SPACE.key(child) != SPACE.key(vector)
    SPACE.check(child)


def test_decisions_of_the_other_family_leave_no_trace_and_are_not_varied() -> None:
    for start in SPACE.starts[:2]:
        neighbours = list(SPACE.neighbours(start, random.Random(0)))
        turned = [each for each in neighbours if family_of(each) != family_of(start)]
        assert len(turned) == 1
        assert len(set(neighbours)) == len(neighbours)
        for each in neighbours:
            dead = turned[0][0]
            other = UnionSpace(SPACE.trunk, 32, offer=Offer(augmented=True)).only(FAMILIES[dead])
            assert other.key((dead, *each[1:])) == SPACE.key(turned[0])


def test_starts_of_both_families_take_turns() -> None:
    assert [family_of(start) for start in SPACE.starts] == [TRUNK, SCRATCH, TRUNK, SCRATCH]


def test_a_closed_family_is_never_drawn() -> None:
    limited = LimitedSpace(SPACE, classes=3, max_parameters=10_000_000, first=SPACE.starts[0])
    for space in (only(SPACE, SCRATCH), only(limited, SCRATCH)):
        rng = random.Random(1)
        vectors = [space.sample(rng) for _ in range(20)]
        vectors += [*space.starts, *space.neighbours(vectors[0], rng)]
        assert {family_of(vector) for vector in vectors} == {SCRATCH}
        assert not space.is_legal(SPACE.starts[0])
