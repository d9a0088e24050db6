"""The one interface of all search strategies: they are told what happened and asked what to try.

A strategy sees a space, a seed and frozen trials, and keeps nothing else, so a search that lost every process
is rebuilt by telling a fresh strategy the trials of the ledger.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from search_engine.errors import SpaceError
from search_engine.space.base import Space
from search_engine.trial import Proposal, Trial, TrialState, Vector


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


StrategyFactory = Callable[[Space, int], Strategy]


class ReplayedStrategy:
    """Bookkeeping that every strategy here shares.

    The random numbers of proposal k come from the seed and k alone, where k counts the trials known so far.
    So the same trials always lead to the same suggestion, in whatever portions they were told.

    Attributes:
        space: to search.
        seed: of the search.
    """

    TRIES = 64
    """Draws of a new candidate before a repeat is accepted: by then the neighbourhood is used up."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.seed = seed
        self._completed: dict[int, Trial] = {}
        self._active: dict[int, Trial] = {}

    def update(self, completed: Sequence[Trial], active: Sequence[Trial]) -> None:
        """See ``Strategy.update``."""
        self._completed |= {trial.number: trial for trial in completed}
        self._active = {trial.number: trial for trial in active if trial.number not in self._completed}

    def suggest(self, count: int) -> list[Proposal]:
        """See ``Strategy.suggest``."""
        known = len(self._completed) + len(self._active)
        seen = {trial.key for trial in (*self._completed.values(), *self._active.values())}
        proposals = []
        for position in range(known, known + count):
            proposal = self._propose(position, random.Random(f"{self.seed}:{position}"), seen)
            seen.add(self.space.key(proposal.vector))
            proposals.append(proposal)
        return proposals

    @property
    def finished(self) -> list[Trial]:
        """Trials that have a reward, oldest first."""
        trials = sorted(self._completed.values(), key=lambda trial: trial.number)
        return [t for t in trials if t.state is TrialState.FINISHED and t.reward is not None]

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        raise NotImplementedError

    def _first_new(self, draw: Callable[[], Vector], seen: set[str]) -> Vector:
        """The first drawn vector whose key was not seen; after ``TRIES`` draws, the last one."""
        vector = draw()
        for _ in range(self.TRIES):
            if self.space.key(vector) not in seen:
                break
            vector = draw()
        return vector

    def _new_sample(self, rng: random.Random, seen: set[str]) -> Vector:
        return self._first_new(lambda: self.space.sample(rng), seen)

    def _new_child(self, parent: Vector, rng: random.Random, seen: set[str]) -> Vector:
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
