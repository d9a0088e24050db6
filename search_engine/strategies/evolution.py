"""Regularized evolution, after Real et al. 2018 (AmoebaNet, arXiv:1802.01548)."""

from __future__ import annotations

import random

import numpy as np

from search_engine.space.base import Space
from search_engine.strategies.base import ReplayedStrategy, reward_of
from search_engine.strategies.phases import best_first, patience, phase_start
from search_engine.strategies.surrogate import OneHot
from search_engine.strategies.worth import worth_of_choices
from search_engine.trial import Proposal, Trial, Vector

POPULATION = (10, 50)
"""Fewest and most that live; in between, a quarter of the budget."""
WARM_UP = 8
"""Trials before the first mutation, at most."""
LITTER = 2
"""Mutations drawn, of which the more promising becomes the child. One is the published algorithm; with four
there is less and less chance in it, and where choices mislead (trap functions) it suffers."""


def population_of(budget: int) -> int:
    """How many live where so many evaluations are affordable in all."""
    fewest, most = POPULATION
    return min(most, max(fewest, budget // 4))


class RegularizedEvolution(ReplayedStrategy):
    """Aging evolution: the oldest dies, whatever it reached, and the best of a random half has a child.

    Begins with the space's own starting points, then draws at random until ``warm_up`` trials are known. A
    population that improves no more is replaced by a new one, and that by the best of all that ever lived.

    Attributes:
        population: how many of the newest finished trials live.
        tournament: how many are drawn to pick a parent from. AmoebaNet draws a quarter of its hundred; where
            a hundred is all that there will ever be, more pressure reaches further.
        warm_up: trials before the first mutation.
        litter: mutations drawn for one child, see ``LITTER``.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        budget: int | None = None,
        *,
        population: int | None = None,
        tournament: int | None = None,
        warm_up: int | None = None,
        litter: int | None = None,
    ) -> None:
        super().__init__(space, seed, budget)
        self.population = population or population_of(self.budget)
        self.tournament = tournament or self.population // 2
        self.warm_up = warm_up or min(WARM_UP, self.population // 2)
        self.litter = LITTER if litter is None else litter
        self._one_hot = OneHot([len(decision.choices) for decision in space.decisions])
        self._patience = patience(space, self.warm_up)

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        start = self._new_start(seen)
        if start is not None:
            return Proposal(start)
        begin = phase_start(self.finished, self._patience)
        if begin is None:
            living = best_first(self.finished, self.population)
        else:
            living = self.finished[begin:][-self.population :]
        if not living or (begin is not None and len(self.finished) - begin < self.warm_up):
            return Proposal(self._new_sample(rng, seen))
        parent = self._pick_parent(living, rng)
        return Proposal(self._pick_child(parent.vector, rng, seen), parent=parent.number)

    def _pick_child(self, parent: Vector, rng: random.Random, seen: set[str]) -> Vector:
        """Of a litter, the one whose choices have earned the most so far."""
        litter = [self._new_child(parent, rng, seen) for _ in range(self.litter)]
        promise = self._one_hot(litter) @ worth_of_choices(self._one_hot, self.finished)
        return litter[int(np.argmax(promise))]

    def _pick_parent(self, living: list[Trial], rng: random.Random) -> Trial:
        drawn = rng.sample(living, min(self.tournament, len(living)))
        return min(drawn, key=lambda trial: (-reward_of(trial), trial.number))
