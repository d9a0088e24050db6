"""Regularized evolution, after Real et al. 2018 (AmoebaNet, arXiv:1802.01548)."""

from __future__ import annotations

import random

from search_engine.space.base import Space
from search_engine.strategies.base import ReplayedStrategy, reward_of
from search_engine.trial import Proposal, Trial


class RegularizedEvolution(ReplayedStrategy):
    """Aging evolution: the oldest dies, whatever it reached, and the best of a random few has a child.

    Begins with the space's own starting points, then draws at random until ``warm_up`` trials are known.

    Attributes:
        population: how many of the newest finished trials live.
        tournament: how many are drawn to pick a parent from.
        warm_up: trials before the first mutation.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        budget: int | None = None,
        *,
        population: int = 20,
        tournament: int = 5,
        warm_up: int = 6,
    ) -> None:
        super().__init__(space, seed, budget)
        self.population = population
        self.tournament = tournament
        self.warm_up = warm_up

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        start = self._new_start(seen)
        if start is not None:
            return Proposal(start)
        living = self.finished[-self.population :]
        if position < self.warm_up or not living:
            return Proposal(self._new_sample(rng, seen))
        parent = self._pick_parent(living, rng)
        return Proposal(self._new_child(parent.vector, rng, seen), parent=parent.number)

    def _pick_parent(self, living: list[Trial], rng: random.Random) -> Trial:
        drawn = rng.sample(living, min(self.tournament, len(living)))
        return min(drawn, key=lambda trial: (-reward_of(trial), trial.number))
