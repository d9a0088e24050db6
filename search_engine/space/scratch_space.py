"""What the spaces of networks from scratch have in common: an input, a head and a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import AUGMENTATIONS, LEARNED, STEMS, Genome, Recipe
from search_engine.space.base import Decision, VectorSpace
from search_engine.space.canonical import key_of
from search_engine.space.decisions import index_of, write_training
from search_engine.trial import Vector

RESOLUTIONS = (32, 48, 64)
"""Sides in pixels that the planner may pick: above, a CPU trains too few networks to call it a search."""

# AdamW with one cycle and batch norm: below 1e-3 a dozen epochs do not arrive, above 2e-2 some cells diverge.
LEARNING_RATES = (0.001, 0.002, 0.005, 0.01, 0.02)

AUGMENTING = (
    Decision("recipe.augment", AUGMENTATIONS),
    Decision("recipe.erase", (0.0, 0.5)),
)
"""Last in a vector; their first choices mean what was done before there were any."""


class ScratchSpace(VectorSpace):
    """Genomes without a trunk, at one resolution. A subclass says what the body is made of.

    Attributes:
        resolution: side in pixels of every network's input.
        augmented: whether recipes may bend and erase pictures.
        mirrored: whether they may mirror them.
        policy: the learned augmentation that they may follow; empty if there is none.
        decisions: body, stem, head and recipe, in this order, then those of ``augmented``.
    """

    def __init__(
        self, resolution: int, *, augmented: bool = False, mirrored: bool = True, policy: str = ""
    ) -> None:
        """Make the space.

        Args:
            resolution: in pixels.
            augmented: False for the space of searches that were planned before it was offered.
            mirrored: False where labels do not survive it; see ``space.invariance``.
            policy: as ``policies.write_policy`` writes it; see ``space.lesson``.
        """
        self.resolution, self.augmented = resolution, augmented
        self.mirrored, self.policy = mirrored, policy

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        shifts = (0, self.resolution // 16, self.resolution // 8)
        return (
            *self._body_decisions(),
            Decision("stem", tuple(STEMS)),
            Decision("head.hidden", (0, 128)),
            Decision("head.dropout", (0.0, 0.2)),
            Decision("recipe.learning_rate", LEARNING_RATES),
            Decision("recipe.weight_decay", (0.0001, 0.01, 0.1)),
            Decision("recipe.batch_size", (32, 64, 128)),
            Decision("recipe.label_smoothing", (0.0, 0.1)),
            Decision("recipe.mixup", (0.0, 0.2)),
            Decision("recipe.shift", shifts),
            Decision("recipe.flip", (False, True) if self.mirrored else (False,)),
            *(self._augmenting() if self.augmented else ()),
        )

    def _augmenting(self) -> tuple[Decision, ...]:
        """A learned policy comes last of the augmentations, so that no older vector means another network."""
        if not self.policy:
            return AUGMENTING
        augment, *others = AUGMENTING
        return (Decision(augment.name, (*augment.choices, LEARNED)), *others)

    def key(self, vector: Vector) -> str:
        return key_of(self.decode(vector))

    def decode(self, vector: Vector) -> Genome:
        """The genome of a vector; decisions that cannot matter leave no trace in it.

        Raises:
            SpaceError: the vector is not of this space.
        """
        self.check(vector)
        genome = self._genome({d.name: d.choices[i] for d, i in zip(self.decisions, vector, strict=True)})
        if genome.recipe.augment != LEARNED:
            return genome
        return replace(genome, recipe=replace(genome.recipe, policy=self.policy))

    def encode(self, genome: Genome) -> Vector:
        """A vector that decodes to the genome; decisions that cannot matter take a harmless value.

        Raises:
            SpaceError: the genome is not of this space.
        """
        if genome.scratch is None or genome.scratch.resolution != self.resolution:
            raise SpaceError(f"this space holds networks from scratch that see {self.resolution} pixels")
        value = {"stem": genome.scratch.stem, **self._body_values(genome), **write_training(genome)}
        vector = tuple(index_of(decision, value[decision.name]) for decision in self.decisions)
        if self.decode(vector) != genome:
            raise SpaceError("this space has no vector for the genome")
        return vector

    @property
    def _sound_recipe(self) -> Recipe:
        """Of the starting points."""
        return Recipe(
            learning_rate=0.005,
            weight_decay=0.01,
            batch_size=32,
            label_smoothing=0.1,
            mixup=0.0,
            shift=self.resolution // 16,
            augment=self._sound_augment,
            policy=self.policy if self._sound_augment == LEARNED else "",
        )

    @property
    def _sound_augment(self) -> str:
        if not self.augmented:
            return "none"
        return LEARNED if self.policy else "affine"

    def _body_decisions(self) -> list[Decision]:
        raise NotImplementedError

    def _genome(self, value: Mapping[str, Any]) -> Genome:
        raise NotImplementedError

    def _body_values(self, genome: Genome) -> dict[str, Any]:
        raise NotImplementedError
