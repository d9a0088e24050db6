"""A space with a bound on the number of weights, and with a network of somebody else's to begin with."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome
from search_engine.space.base import Decision, GenomeSpace, VectorSpace
from search_engine.space.cost import cost
from search_engine.space.scratch import at_resolution
from search_engine.trial import Vector

DRAWS = 100
"""Random vectors before a network that is small enough is made from the smallest of them."""


class LimitedSpace(VectorSpace):
    """The vectors of another space whose networks are within a number of weights.

    Attributes:
        inner: the whole space.
        classes: labels; the last layer has weights for each.
        max_parameters: of a whole network, trunk included; None for no bound.
        first: a vector to begin with, before the space's own; or None.
    """

    def __init__(
        self, inner: GenomeSpace, *, classes: int, max_parameters: int | None, first: Vector | None = None
    ) -> None:
        self.inner = inner
        self.classes = classes
        self.max_parameters = max_parameters
        self.first = first
        self._parameters: dict[Vector, int] = {}

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.inner.decisions

    @property
    def starts(self) -> tuple[Vector, ...]:
        """The given network, then those of the space, as far as they are small enough."""
        own = self.inner.starts
        first = () if self.first is None else (self.first,)
        return tuple(vector for vector in (*first, *own) if self.is_legal(vector))

    def key(self, vector: Vector) -> str:
        return self.inner.key(vector)

    def decode(self, vector: Vector) -> Genome:
        return self.inner.decode(vector)

    def encode(self, genome: Genome) -> Vector:
        return self.inner.encode(genome)

    def parameters(self, vector: Vector) -> int:
        """Of the whole network."""
        if vector not in self._parameters:
            self._parameters[vector] = cost(self.inner.decode(vector), self.classes).parameters
        return self._parameters[vector]

    def is_legal(self, vector: Vector) -> bool:
        """Whether the inner space has it and it is small enough."""
        if not self.inner.is_legal(vector):
            return False
        return self.max_parameters is None or self.parameters(vector) <= self.max_parameters

    def neighbours(self, vector: Vector, rng: random.Random) -> Iterator[Vector]:
        """Those of the inner space that are small enough."""
        return (each for each in self.inner.neighbours(vector, rng) if self.is_legal(each))

    def sample(self, rng: random.Random) -> Vector:
        """A legal vector: a random one, or where nearly all are too large a shrunken one.

        Raises:
            SpaceError: nothing is small enough; the text says what the smallest found has.
        """
        drawn = []
        for _ in range(DRAWS):
            drawn.append(self.inner.sample(rng))
            if self.is_legal(drawn[-1]):
                return drawn[-1]
        smallest = min(drawn, key=self.parameters)
        while not self.is_legal(smallest):
            least = min(self.inner.neighbours(smallest, rng), key=self.parameters)
            if self.parameters(least) >= self.parameters(smallest):
                raise SpaceError(
                    f"No network of this kind has only {self.max_parameters:,} parameters; the smallest that "
                    f"was found has {self.parameters(smallest):,}. Allow more."
                )
            smallest = least
        return smallest


def adopt(space: GenomeSpace, genome: Genome) -> Vector:
    """The vector of a network that another search of this space found, at this one's resolution.

    Raises:
        SpaceError: the network is of another space, or over another trunk.
    """
    for model in map(space.decode, space.starts):
        if genome.trunk and model.trunk and genome.trunk.name == model.trunk.name:
            return space.encode(replace(genome, trunk=model.trunk))
        if genome.scratch and model.scratch:
            return space.encode(at_resolution(genome, model.scratch.resolution))
    raise SpaceError("The network to start from is of another kind than those that this search tries.")
