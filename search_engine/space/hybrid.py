"""The space that the product searches: networks on a pretrained trunk.

Cells on tapped activations of a frozen trunk, classifiers on what it pools, and such classifiers with the
trunk's last stages trained.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cached_property
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import ADAMW, LBFGS, Cell, Genome, Head, Node, Recipe, Trunk
from search_engine.space.base import Decision, VectorSpace
from search_engine.space.canonical import key_of
from search_engine.space.decisions import (
    cell_decisions,
    index_of,
    read_cell,
    read_training,
    write_cell,
    write_training,
)
from search_engine.space.trunks import TRUNKS
from search_engine.trial import Vector

_RECIPE: dict[str, tuple[Any, ...]] = {
    # AdamW with one cycle: below 5e-4 a candidate of few epochs does not arrive, above 1e-2 cells diverge.
    "learning_rate": (0.0005, 0.001, 0.002, 0.005, 0.01),
    "weight_decay": (0.0001, 0.01, 0.1),
    "batch_size": (32, 64, 128),
    "label_smoothing": (0.0, 0.1),
    "mixup": (0.0, 0.2),
}

TRUNK_RATES = (0.1, 0.3, 1.0)
"""Learning rates of the trunk's trained stages, as shares of the head's."""

TUNED_FIRST = 2
"""Stages of the trunk that the first such network trains: more than one was worth it."""

TUNED_SHARE = 0.25
"""Of the networks drawn at random that may train a part of the trunk; it takes several times as long."""

LOGISTIC = Recipe(
    learning_rate=0.0, weight_decay=0.0, batch_size=0, label_smoothing=0.0, mixup=0.0, solver=LBFGS
)
"""L-BFGS needs none of the numbers; its regularisation is chosen on the validation split."""


class HybridSpace(VectorSpace):
    """Genomes over one trunk at one resolution.

    Attributes:
        trunk: on which every genome of this space stands.
        pooled: whether the head may read every stage, and be fitted by L-BFGS.
        unfreeze: the most stages of the trunk that a network may train.
        frozen: whether vectors that train some are not legal all the same.
        decisions: taps, macro structure, two cells, head and recipe, in this order, then those of ``pooled``
            and of ``unfreeze``.
    """

    def __init__(
        self, trunk: Trunk, *, pooled: bool = False, unfreeze: int = 0, frozen: bool = False
    ) -> None:
        """Args:
        trunk: to stand on.
        pooled: False for the space of searches that were planned before it was offered.
        unfreeze: 0 for the space of searches that cannot afford it, or were planned before.
        frozen: True where there is no time left for it.

        Raises:
            SpaceError: the trunk is not known, or not so many of its stages can be trained.
        """
        if trunk.name not in TRUNKS:
            raise SpaceError(f"unknown trunk {trunk.name!r}; known: {', '.join(TRUNKS)}")
        TRUNKS[trunk.name].tail(unfreeze)
        self.trunk = trunk
        self.pooled = pooled
        self.unfreeze = unfreeze
        self.frozen = frozen
        self._taps = tuple(tap.name for tap in TRUNKS[trunk.name].taps)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        off_on = (False, True)
        return (
            *(Decision(f"tap.{name}", off_on) for name in self._taps),
            Decision("repeats", (0, 1, 2)),
            Decision("width", (32, 64, 96)),
            Decision("has_reduction", off_on),
            Decision("shortcut", off_on),
            *cell_decisions("normal"),
            *cell_decisions("reduction"),
            Decision("head.hidden", (0, 128, 256)),
            Decision("head.dropout", (0.0, 0.2, 0.5)),
            *(Decision(f"recipe.{name}", choices) for name, choices in _RECIPE.items()),
            *((Decision("pooled", off_on), Decision("recipe.solver", (ADAMW, LBFGS))) if self.pooled else ()),
            *(
                (
                    Decision("unfrozen", tuple(range(self.unfreeze + 1))),
                    Decision("recipe.trunk_rate", TRUNK_RATES),
                )
                if self.unfreeze
                else ()
            ),
        )

    def is_legal(self, vector: Vector) -> bool:
        """Cells need something to read; a tap is asked of every vector, so that cells can be mutated in."""
        if not super().is_legal(vector) or not any(vector[: len(self._taps)]):
            return False
        return not (self.frozen and self.trains_trunk(vector))

    def trains_trunk(self, vector: Vector) -> bool:
        """Whether a vector's network trains a part of the trunk."""
        return self.unfreeze > 0 and vector[-2] > 0 and vector[len(self._taps)] == 0  # no cells

    def with_frozen_trunk(self) -> HybridSpace:
        """This space without networks that train a part of the trunk."""
        return HybridSpace(self.trunk, pooled=self.pooled, unfreeze=self.unfreeze, frozen=True)

    def sample(self, rng: random.Random) -> Vector:
        """Uniform over the decisions, but most networks leave the trunk frozen."""
        vector = super().sample(rng)
        if self.unfreeze and rng.random() >= TUNED_SHARE:
            vector = (*vector[:-2], 0, vector[-1])
        return vector

    def key(self, vector: Vector) -> str:
        return key_of(self.decode(vector))

    def decode(self, vector: Vector) -> Genome:
        """The genome of a vector; decisions that cannot matter leave no trace in it.

        Raises:
            SpaceError: the vector is not of this space.
        """
        self.check(vector)
        value = {d.name: d.choices[i] for d, i in zip(self.decisions, vector, strict=True)}
        repeats = value["repeats"]
        has_reduction = repeats > 0 and value["has_reduction"]
        head, recipe = read_training(value)
        unfrozen = 0 if repeats else value.get("unfrozen", 0)
        if not unfrozen:
            recipe = replace(recipe, trunk_rate=0.0)
        if recipe.solver == LBFGS:
            if repeats or head.hidden or unfrozen:
                recipe = replace(recipe, solver=ADAMW)
            else:
                head, recipe = Head(hidden=0, dropout=0.0), LOGISTIC
        return Genome(
            trunk=self.trunk,
            taps=tuple(name for name in self._taps if value[f"tap.{name}"]) if repeats else (),
            normal=read_cell("normal", value) if repeats else None,
            reduction=read_cell("reduction", value) if has_reduction else None,
            repeats=repeats,
            width=value["width"] if repeats else 0,
            shortcut=value["shortcut"] if repeats else True,
            head=head,
            recipe=recipe,
            pooled=value.get("pooled", False),
            unfrozen=unfrozen,
        )

    def encode(self, genome: Genome) -> Vector:
        """A vector that decodes to the genome; decisions that cannot matter take a harmless value.

        Raises:
            SpaceError: the genome is not of this space.
        """
        if genome.trunk != self.trunk:
            raise SpaceError(f"the genome stands on {genome.trunk}, this space on {self.trunk}")
        value: dict[str, Any] = {f"tap.{name}": name in genome.taps for name in self._taps}
        if not genome.repeats:
            value[f"tap.{self._taps[-1]}"] = True
        value |= {"repeats": genome.repeats, "shortcut": genome.shortcut}
        value |= {"width": genome.width or None, "has_reduction": genome.reduction is not None}
        value |= write_cell("normal", genome.normal) | write_cell("reduction", genome.reduction)
        value |= write_training(genome) | {"pooled": genome.pooled, "unfrozen": genome.unfrozen}
        if not genome.unfrozen:
            value["recipe.trunk_rate"] = None
        if genome.recipe == LOGISTIC:
            value |= {f"recipe.{name}": None for name in _RECIPE}
        vector = tuple(index_of(decision, value[decision.name]) for decision in self.decisions)
        if self.decode(vector) != genome:
            raise SpaceError("this space has no vector for the genome")
        return vector

    @cached_property
    def starts(self) -> tuple[Vector, ...]:
        """Logistic regression, a small multilayer perceptron, a trunk trained in part, and one cell.

        All on the embedding, and on what is pooled of every stage if this space has that; without it there
        is no logistic regression, which is then the control. The trained trunk is there where this space
        has that.
        """
        recipe = Recipe(learning_rate=0.002, weight_decay=0.01, batch_size=64, label_smoothing=0.1, mixup=0.0)
        perceptron = Genome(
            trunk=self.trunk,
            taps=(),
            normal=None,
            reduction=None,
            repeats=0,
            width=0,
            shortcut=True,
            head=Head(hidden=256, dropout=0.2),
            recipe=recipe,
            pooled=self.pooled,
        )
        logistic = replace(perceptron, head=Head(hidden=0, dropout=0.0), recipe=LOGISTIC)
        node = Node(0, "sep_conv_3x3", 1, "identity")
        cell = Cell(
            (node, Node(2, "sep_conv_3x3", 1, "identity"), Node(0, "max_pool_3x3", 1, "conv_1x1"), node)
        )
        convolutional = Genome(
            trunk=self.trunk,
            taps=self._taps[-3:],
            normal=cell,
            reduction=None,
            repeats=1,
            width=64,
            shortcut=True,
            head=Head(hidden=0, dropout=0.2),
            recipe=recipe,
            pooled=self.pooled,
        )
        tuned = replace(
            perceptron,
            unfrozen=min(TUNED_FIRST, self.unfreeze),
            recipe=replace(recipe, trunk_rate=TRUNK_RATES[1]),
        )
        genomes = (
            *((logistic,) if self.pooled else ()),
            perceptron,
            *((tuned,) if self.unfreeze and not self.frozen else ()),
            convolutional,
        )
        return tuple(self.encode(genome) for genome in genomes)
