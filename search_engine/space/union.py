"""Both kinds of networks in one space: on a pretrained trunk, or from scratch on pixels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cached_property

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.base import Decision, GenomeSpace, VectorSpace
from search_engine.space.hybrid import HybridSpace
from search_engine.space.limited import LimitedSpace
from search_engine.space.macro import MacroSpace
from search_engine.space.offer import OLDEST, Offer
from search_engine.trial import Vector

TRUNK, SCRATCH = "trunk", "scratch"
FAMILIES = (TRUNK, SCRATCH)
"""The choices of the first decision."""


class UnionSpace(VectorSpace):
    """The family first, then all decisions of the hybrid space, then those of the macro space.

    Decisions of the other family leave no trace in a genome. Where this space makes a vector they are those
    of that family's first starting point, so that a change of family leads to a sound network.

    Attributes:
        trunk, pixels, offer: on which trunk, at which side in pixels from scratch, and what networks may
            choose from; a learned augmentation is for spaces of networks from scratch alone.
        families: those that are open; vectors of another are not legal.
    """

    def __init__(
        self,
        trunk: Trunk,
        pixels: int,
        families: tuple[str, ...] = FAMILIES,
        *,
        offer: Offer = OLDEST,
        frozen: bool = False,
    ) -> None:
        """Raises ``SpaceError`` for an unknown trunk; ``frozen`` is as in ``HybridSpace``."""
        self.trunk, self.pixels, self.families = trunk, pixels, families
        self.offer, self.frozen = offer, frozen
        self._inner: dict[str, VectorSpace] = {
            TRUNK: HybridSpace(trunk, pooled=offer.pooled, unfreeze=offer.unfreeze, frozen=frozen),
            SCRATCH: MacroSpace(pixels, augmented=offer.augmented, mirrored=offer.mirrored),
        }
        self._cut = 1 + len(self._inner[TRUNK].decisions)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        scratch = self._inner[SCRATCH].decisions
        return (
            Decision("family", FAMILIES),
            *self._inner[TRUNK].decisions,
            *(Decision(f"{SCRATCH}.{each.name}", each.choices) for each in scratch),
        )

    @cached_property
    def starts(self) -> tuple[Vector, ...]:
        """Those of both families, taking turns."""
        rows = [[self._join(f, start) for start in self._inner[f].starts] for f in self.families]
        return tuple(row[i] for i in range(max(map(len, rows))) for row in rows if i < len(row))

    def key(self, vector: Vector) -> str:
        return self._inner[family_of(vector)].key(self._part(vector))

    def is_legal(self, vector: Vector) -> bool:
        """Only the decisions of the vector's own family count."""
        return (
            super().is_legal(vector)
            and family_of(vector) in self.families
            and self._inner[family_of(vector)].is_legal(self._part(vector))
        )

    def decode(self, vector: Vector) -> Genome:
        """Raises ``SpaceError`` if the vector is not of this space."""
        self.check(vector)
        genome: Genome = self._of(vector).decode(self._part(vector))
        return genome

    def encode(self, genome: Genome) -> Vector:
        """Raises ``SpaceError`` if the genome is not of this space."""
        family = SCRATCH if genome.trunk is None else TRUNK
        vector = self._join(family, self._genomes(family).encode(genome))
        if family not in self.families:
            raise SpaceError("this space has no vector for the genome")
        return vector

    def sample(self, rng: random.Random) -> Vector:
        """One of the open families, then uniform over its decisions."""
        family = rng.choice(self.families)
        return self._join(family, self._inner[family].sample(rng))

    def neighbours(self, vector: Vector, rng: random.Random) -> Iterator[Vector]:
        """As of any space, without those that only change decisions of the other family."""
        turned = (1 - vector[0], *vector[1:])
        first, last = self._slice(family_of(vector))
        at = rng.randrange(1 + last - first)  # decisions of the family, and the family itself
        place = 0
        seen: set[int] = set()
        for part in self._of(vector).neighbours(self._part(vector), rng):
            seen |= {i for i, (a, b) in enumerate(zip(part, vector[first:last], strict=True)) if a != b}
            if place == 0 and len(seen) > at:
                place = 1
                if self.is_legal(turned):
                    yield turned
            yield (*vector[:first], *part, *vector[last:])
        if place == 0 and self.is_legal(turned):
            yield turned

    def trains_trunk(self, vector: Vector) -> bool:
        """Whether a vector's network is on the trunk and trains a part of it."""
        hybrid = self._inner[TRUNK]
        assert isinstance(hybrid, HybridSpace)  # noqa: S101 - for the type checker
        return family_of(vector) == TRUNK and hybrid.trains_trunk(self._part(vector))

    def crossover(self, first: Vector, second: Vector, rng: random.Random) -> Vector:
        """Of one family, a child of both; of two, the first: no decision of theirs means the same."""
        if first[0] != second[0]:
            return first
        child = self._of(first).crossover(self._part(first), self._part(second), rng)
        return self._join(family_of(first), child)

    def only(self, family: str) -> UnionSpace:
        """This space with one family open."""
        return self._narrowed((family,), frozen=self.frozen)

    def with_frozen_trunk(self) -> UnionSpace:
        """This space without networks that train a part of the trunk."""
        return self._narrowed(self.families, frozen=True)

    def _narrowed(self, families: tuple[str, ...], *, frozen: bool) -> UnionSpace:
        return UnionSpace(self.trunk, self.pixels, families, offer=self.offer, frozen=frozen)

    def _genomes(self, family: str) -> GenomeSpace:
        space = self._inner[family]
        assert isinstance(space, HybridSpace | MacroSpace)  # noqa: S101 - for the type checker
        return space

    def _of(self, vector: Vector) -> GenomeSpace:
        return self._genomes(family_of(vector))

    def _slice(self, family: str) -> tuple[int, int]:
        return (1, self._cut) if family == TRUNK else (self._cut, len(self.decisions))

    def _part(self, vector: Vector) -> Vector:
        first, last = self._slice(family_of(vector))
        return vector[first:last]

    def _join(self, family: str, part: Vector) -> Vector:
        """A vector of the whole space."""
        parts = {name: self._inner[name].starts[0] for name in FAMILIES} | {family: part}
        return (FAMILIES.index(family), *parts[TRUNK], *parts[SCRATCH])


def family_of(vector: Vector) -> str:
    """The family of a vector of a ``UnionSpace``."""
    return FAMILIES[vector[0]]


def only(space: GenomeSpace, family: str) -> GenomeSpace:
    """A union, limited or not, with one family open."""
    if isinstance(space, UnionSpace):
        return space.only(family)
    if isinstance(space, LimitedSpace):
        first = space.first if space.first and family_of(space.first) == family else None
        return _on(space, only(space.inner, family), first)
    return space


def trains_trunk(space: GenomeSpace, vector: Vector) -> bool:
    """Whether a vector's network trains a part of a pretrained trunk."""
    if isinstance(space, LimitedSpace):
        return trains_trunk(space.inner, vector)
    return isinstance(space, UnionSpace | HybridSpace) and space.trains_trunk(vector)


def with_frozen_trunk(space: GenomeSpace) -> GenomeSpace:
    """A space, limited or not, without networks that train a part of the trunk."""
    if isinstance(space, UnionSpace | HybridSpace):
        return space.with_frozen_trunk()
    if isinstance(space, LimitedSpace):
        inner = with_frozen_trunk(space.inner)
        first = space.first if space.first and inner.is_legal(space.first) else None
        return _on(space, inner, first)
    return space


def _on(space: LimitedSpace, inner: GenomeSpace, first: Vector | None) -> LimitedSpace:
    """The same limit on another space."""
    return LimitedSpace(inner, classes=space.classes, max_parameters=space.max_parameters, first=first)
