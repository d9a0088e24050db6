"""What a search space is to a strategy: decisions, vectors of indices, and keys. Nothing of networks here."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome
from search_engine.trial import Vector

LISTABLE = 100_000
"""Combinations up to which a space can be listed in well under a second."""
REMEMBERED = 4096
"""Keys. Children of one parent are drawn again and again, and most neighbours of a design without cells
are the same network."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice that a strategy makes.

    Attributes:
        name: e.g. ``normal.0.op_a``.
        choices: what may be chosen; a vector holds an index into it.
    """

    name: str
    choices: tuple[Any, ...]


class Space(Protocol):
    """All that a strategy may know. A table of somebody's results is a space too."""

    @property
    def decisions(self) -> tuple[Decision, ...]: ...

    @property
    def starts(self) -> tuple[Vector, ...]:
        """Sound designs of people, worth trying before anything is known; may be empty."""
        ...

    def key(self, vector: Vector) -> str:
        """Canonical hash; vectors that mean the same candidate share it."""
        ...

    def is_legal(self, vector: Vector) -> bool:
        """Whether a vector of indices within the choices is of this space."""
        ...

    def sample(self, rng: random.Random) -> Vector: ...

    def mutate(self, vector: Vector, rng: random.Random) -> Vector:
        """A vector that differs in exactly one decision and in its key."""
        ...

    def neighbours(self, vector: Vector, rng: random.Random) -> Iterator[Vector]:
        """All legal vectors that differ in one decision, in random order; some may share the vector's key."""
        ...

    def vectors(self) -> Iterator[Vector] | None:
        """Every legal vector, or None where nobody could list them."""
        ...

    def crossover(self, first: Vector, second: Vector, rng: random.Random) -> Vector: ...


class GenomeSpace(Space, Protocol):
    """A space whose vectors are networks."""

    def decode(self, vector: Vector) -> Genome: ...

    def encode(self, genome: Genome) -> Vector: ...


class VectorSpace:
    """Sampling, mutation and crossover for any space that has decisions, ``key`` and ``is_legal``."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        raise NotImplementedError

    @property
    def starts(self) -> tuple[Vector, ...]:
        return ()

    def key(self, vector: Vector) -> str:
        raise NotImplementedError

    def is_legal(self, vector: Vector) -> bool:
        """Whether a vector of the right shape is allowed; most spaces allow all."""
        return len(vector) == len(self.decisions)

    def check(self, vector: Vector) -> None:
        """Raise ``SpaceError`` with the reason if the vector is not of this space."""
        if len(vector) != len(self.decisions):
            raise SpaceError(f"a vector of this space has {len(self.decisions)} entries, not {len(vector)}")
        for decision, index in zip(self.decisions, vector, strict=True):
            if not 0 <= index < len(decision.choices):
                last = len(decision.choices) - 1
                raise SpaceError(f"{decision.name} must be an index from 0 to {last}, not {index}")
        if not self.is_legal(vector):
            raise SpaceError("this combination of decisions is not allowed")

    def sample(self, rng: random.Random) -> Vector:
        """A legal vector, uniform over the decisions.

        Raises:
            SpaceError: none was found in many draws.
        """
        for _ in range(1000):
            vector = tuple(rng.randrange(len(decision.choices)) for decision in self.decisions)
            if self.is_legal(vector):
                return vector
        raise SpaceError("no legal vector found in 1000 draws")

    @cached_property
    def _remembered_key(self) -> Callable[[Vector], str]:
        return lru_cache(REMEMBERED)(self.key)

    def mutate(self, vector: Vector, rng: random.Random) -> Vector:
        """A neighbour: one decision changed, the key changed, every such decision equally likely.

        Raises:
            SpaceError: no single change gives another candidate.
        """
        key = self._remembered_key(vector)
        for neighbour in self.neighbours(vector, rng):
            if self._remembered_key(neighbour) != key:
                return neighbour
        raise SpaceError("no change of one decision gives another candidate")

    def neighbours(self, vector: Vector, rng: random.Random) -> Iterator[Vector]:
        """All legal vectors that differ in one decision, in random order; some may share the vector's key."""
        positions = rng.sample(range(len(vector)), len(vector))
        for position in positions:
            others = [i for i in range(len(self.decisions[position].choices)) if i != vector[position]]
            for index in rng.sample(others, len(others)):
                neighbour = (*vector[:position], index, *vector[position + 1 :])
                if self.is_legal(neighbour):
                    yield neighbour

    def vectors(self) -> Iterator[Vector] | None:
        """Every legal vector, or None if there are more than ``LISTABLE`` combinations."""
        sizes = [len(decision.choices) for decision in self.decisions]
        if math.prod(sizes) > LISTABLE:
            return None
        return (v for v in itertools.product(*map(range, sizes)) if self.is_legal(v))

    def crossover(self, first: Vector, second: Vector, rng: random.Random) -> Vector:
        """Each decision from one parent or the other; the first parent if no legal child is found."""
        for _ in range(100):
            child = tuple(rng.choice(pair) for pair in zip(first, second, strict=True))
            if self.is_legal(child):
                return child
        return first
