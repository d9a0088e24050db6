"""The one interface of all search strategies: they are told what happened and asked what to try.

A strategy sees a space, a seed, a budget and frozen trials, and keeps nothing else, so a search that lost
every process is rebuilt by telling a fresh strategy the trials of the ledger.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from search_engine.errors import SpaceError
from search_engine.space.base import Space
from search_engine.trial import Kind, Proposal, Trial, TrialState, Vector

TYPICAL_BUDGET = 100
"""Evaluations that a strategy reckons with when nobody says how many there will be."""

RECIPE = "recipe."
"""How the names of those decisions begin that are about training and not about the network."""


class Strategy(Protocol):
    """Ask and tell, as in Vizier's designers."""

    def suggest(self, count: int) -> list[Proposal]:
        """What to try next: ``count`` legal proposals, new ones while the space has any."""
        ...

    def update(self, completed: Sequence[Trial], active: Sequence[Trial]) -> None:
        """Tell what became of trials.

        Args:
            completed: trials that ended since the last call or ever; a trial told twice counts once.
            active: all trials that are waiting or running now.
        """
        ...


class StrategyFactory(Protocol):
    """What the registry holds."""

    def __call__(self, space: Space, seed: int, budget: int | None = None) -> Strategy:
        """A strategy that knows nothing yet.

        Args:
            space: to search.
            seed: of the search.
            budget: how many evaluations the search affords in all, as far as anybody can tell.
        """
        ...


class ReplayedStrategy:
    """Bookkeeping that every strategy here shares.

    The random numbers of proposal k come from the seed and k alone, where k counts the trials known so far.
    So the same trials always lead to the same suggestion, in whatever portions they were told. Supernets are
    no candidates and are passed over; ``enas`` looks at them before.

    Attributes:
        space: to search.
        seed: of the search.
        budget: evaluations that the search affords in all.
        finished: trials that have a reward, oldest first.
        failed: trials that ended without one, oldest first.
        memory: a trial that ended, by the key of its candidate; one with a reward if there is one.
        waiting: vectors under way: active trials, and what this very call has proposed already.
    """

    TRIES = 64
    """Draws of a new candidate before a repeat is accepted: by then the neighbourhood is used up."""

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        self.space = space
        self.seed = seed
        self.budget = TYPICAL_BUDGET if budget is None else max(1, budget)
        self.finished: list[Trial] = []
        self.failed: list[Trial] = []
        self.waiting: list[Vector] = []
        self._numbers: set[int] = set()
        self.memory: dict[str, Trial] = {}
        self._active: dict[int, Trial] = {}

    def update(self, completed: Sequence[Trial], active: Sequence[Trial]) -> None:
        """See ``Strategy.update``."""
        for trial in completed:
            if trial.number in self._numbers or trial.kind is Kind.SUPERNET:
                continue
            self._numbers.add(trial.number)
            has_reward = trial.state is TrialState.FINISHED and trial.reward is not None
            _insert(self.finished if has_reward else self.failed, trial)
            if has_reward or trial.key not in self.memory:
                self.memory[trial.key] = trial
        waiting = [t for t in active if t.number not in self._numbers and t.kind is not Kind.SUPERNET]
        self._active = {trial.number: trial for trial in waiting}

    def suggest(self, count: int) -> list[Proposal]:
        """See ``Strategy.suggest``."""
        known = len(self._numbers) + len(self._active)
        active = [self._active[number] for number in sorted(self._active)]
        self.waiting = [trial.vector for trial in active]
        seen = self.memory.keys() | {trial.key for trial in active}
        proposals = []
        for position in range(known, known + count):
            rng = random.Random(f"{self.seed}:{position}")
            proposal = self._propose(position, rng, seen)
            if self.space.key(proposal.vector) in seen:
                proposal = Proposal(self._leftover(proposal.vector, rng, seen))
            seen.add(self.space.key(proposal.vector))
            self.waiting.append(proposal.vector)
            proposals.append(proposal)
        return proposals

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        raise NotImplementedError

    def _new_start(self, seen: Collection[str]) -> Vector | None:
        """The next of the space's own starting points that nobody tried."""
        return next((vector for vector in self.space.starts if self.space.key(vector) not in seen), None)

    def _first_new(self, draw: Callable[[], Vector], seen: Collection[str]) -> Vector:
        """The first drawn vector whose key was not seen; after ``TRIES`` draws, the last one."""
        vector = draw()
        for _ in range(self.TRIES):
            if self.space.key(vector) not in seen:
                break
            vector = draw()
        return vector

    def _new_sample(self, rng: random.Random, seen: Collection[str]) -> Vector:
        return self._first_new(lambda: self.space.sample(rng), seen)

    def _new_child(self, parent: Vector, rng: random.Random, seen: Collection[str]) -> Vector:
        """A mutation of the parent; once its neighbours are used up, of a neighbour."""

        def near() -> Vector:
            return self.space.mutate(parent, rng)

        def farther() -> Vector:
            return self.space.mutate(near(), rng)

        try:
            child = self._first_new(near, seen)
            return child if self.space.key(child) not in seen else self._first_new(farther, seen)
        except SpaceError:  # a parent without neighbours: the space is that small
            return self._new_sample(rng, seen)

    def _leftover(self, repeat: Vector, rng: random.Random, seen: Collection[str]) -> Vector:
        """Anything that nobody tried, instead of a repeat; the repeat once the space is used up."""
        sample = self._new_sample(rng, seen)
        if self.space.key(sample) not in seen:
            return sample
        left = [v for v in self.space.vectors() or () if self.space.key(v) not in seen]
        return rng.choice(left) if left else repeat


def _insert(trials: list[Trial], trial: Trial) -> None:
    """Keep the list in the order of the numbers; nearly always the newest comes last."""
    trials.append(trial)
    if len(trials) > 1 and trials[-2].number > trial.number:
        trials.sort(key=lambda each: each.number)


def reward_of(trial: Trial) -> float:
    """Of a finished trial."""
    assert trial.reward is not None  # noqa: S101 - for the type checker
    return trial.reward
