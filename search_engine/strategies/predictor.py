"""Bayesian optimisation with mutations as candidates, as in BANANAS (White et al. 2019, arXiv:1910.11858)."""

from __future__ import annotations

import random

import numpy as np

from search_engine.errors import SpaceError
from search_engine.space.base import Space
from search_engine.strategies.base import ReplayedStrategy, reward_of
from search_engine.strategies.phases import best_first, patience, phase_start
from search_engine.strategies.surrogate import OneHot, Surrogate, standardise
from search_engine.trial import Proposal, Trial, Vector


class Predictor(ReplayedStrategy):
    """Proposes the candidate with the highest expected improvement under a surrogate of the rewards.

    Candidates are the neighbours of the best trials, some that lie two steps away, and some from anywhere.
    A surrogate that was led to the wrong hill by its first samples never leaves it by itself (one run in
    eight on NAS-Bench-201), hence the phases.
    """

    FIRST = 6
    """Random trials of a start."""
    PARENTS = 10
    """Best trials whose neighbours are candidates."""
    NEAR = 250
    """Neighbours looked at, at most."""
    FAR = 12
    """Candidates two steps from a parent, and as many from anywhere."""
    LARGEST = 150
    """Trials that a phase which remembers everything learns from, at most: the best."""
    REFIT = 1.25
    """Kernel and noise are fitted again each time the trials have grown by this factor."""

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        super().__init__(space, seed, budget)
        sizes = [len(decision.choices) for decision in space.decisions]
        self._one_hot = OneHot(sizes)
        self._patience = patience(space, self.FIRST)
        self._near: dict[int, list[Vector]] = {}
        self._fitted: dict[tuple[int, int], tuple[str, Surrogate]] = {}

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        start = self._new_start(seen)
        if start is not None:
            return Proposal(start)
        begin = phase_start(self.finished, self._patience)
        since = best_first(self.finished, self.LARGEST) if begin is None else self.finished[begin:]
        if len(since) < self.FIRST:
            return Proposal(self._new_sample(rng, seen))
        surrogate = self._surrogate(since, begin or 0)
        candidates = self._candidates(since, rng, seen)
        if not candidates:
            return Proposal(self._new_sample(rng, seen))
        vectors = list(candidates)
        for index in np.argsort(-surrogate.expected_improvement(self._one_hot(vectors)), kind="stable"):
            if self.space.key(vectors[index]) not in seen:
                return Proposal(vectors[index], candidates[vectors[index]])
        return Proposal(self._new_sample(rng, seen))

    def _surrogate(self, since: list[Trial], begin: int) -> Surrogate:
        """Fitted to the trials since the start; failures count as bad, those under way as foreseen."""
        targets = standardise([reward_of(trial) for trial in since])
        rows = self._one_hot([trial.vector for trial in since])
        surrogate = self._kernel_of(self.finished[begin : begin + self.LARGEST])
        first = self.finished[begin].number
        failed = [trial.vector for trial in self.failed if trial.vector and trial.number > first]
        if failed:
            rows = np.concatenate([rows, self._one_hot(failed)])
            targets = np.concatenate([targets, np.full(len(failed), targets.min())])
        surrogate.fit(rows, targets)
        if self.waiting:
            waiting = self._one_hot(self.waiting)
            foreseen, _ = surrogate.predict(waiting)
            surrogate.fit(np.concatenate([rows, waiting]), np.concatenate([targets, foreseen]))
        return surrogate

    def _kernel_of(self, since: list[Trial]) -> Surrogate:
        """Kernel and noise from the first n of the trials, where n is the last step of growth."""
        size = self.FIRST
        while (larger := max(size + 1, round(size * self.REFIT))) <= len(since):
            size = larger
        place, facts = (since[0].number, size), ",".join(str(trial.number) for trial in since[:size])
        if place not in self._fitted or self._fitted[place][0] != facts:
            rows = self._one_hot([trial.vector for trial in since[:size]])
            targets = standardise([reward_of(trial) for trial in since[:size]])
            self._fitted[place] = facts, Surrogate.likeliest(rows, targets)
        return self._fitted[place][1]

    def _candidates(self, since: list[Trial], rng: random.Random, seen: set[str]) -> dict[Vector, int | None]:
        """Vectors worth a look, each with the number of the trial that it is a mutation of."""
        tried = {trial.vector for trial in (*self.finished, *self.failed)} | set(self.waiting)
        best = best_first(since, self.PARENTS)
        near = {
            v: trial.number for trial in reversed(best) for v in self._neighbours(trial) if v not in tried
        }
        kept = rng.sample(list(near), self.NEAR) if len(near) > self.NEAR else list(near)
        found: dict[Vector, int | None] = {vector: near[vector] for vector in kept}
        for _ in range(self.FAR):
            parent = rng.choice(best)
            try:
                far = self.space.mutate(self.space.mutate(parent.vector, rng), rng)
            except SpaceError:  # nothing lies beside it
                far = self.space.sample(rng)
            if far not in tried:
                found.setdefault(far, parent.number)
            anywhere = self.space.sample(rng)
            if anywhere not in tried:
                found.setdefault(anywhere, None)
        return found

    def _neighbours(self, trial: Trial) -> list[Vector]:
        if trial.number not in self._near:
            order = random.Random(f"{self.seed}:neighbours:{trial.number}")
            self._near[trial.number] = list(self.space.neighbours(trial.vector, order))
        return self._near[trial.number]
