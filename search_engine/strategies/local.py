"""First-improvement local search with restarts, hard to beat says White et al. 2020 (arXiv:2005.02960)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np

from search_engine.errors import SpaceError
from search_engine.space.base import Space
from search_engine.strategies.base import ReplayedStrategy, reward_of
from search_engine.strategies.surrogate import Floats, OneHot
from search_engine.strategies.worth import worth_of_choices
from search_engine.trial import Proposal, Trial, Vector


@dataclass(slots=True)
class _Walk:
    """Where the search stands.

    Attributes:
        climb: number of the climb.
        at: the trial whose neighbours are tried; None before a climb has its first.
        todo: neighbours, the most promising first.
        done: how many of them were looked at.
        looked: all trials looked at so far, by key.
        summit: the best end of a climb.
        known: how many had been looked at when the climb before ended.
        fruitless: climbs in a row in which nothing new was seen.
        worth: of each choice, by its place in the one-hot encoding.
        learned: how many trials that was learned from.
    """

    climb: int = 0
    at: Trial | None = None
    todo: list[Vector] = field(default_factory=list)
    done: int = 0
    looked: dict[str, Trial] = field(default_factory=dict)
    summit: Trial | None = None
    known: int = 0
    fruitless: int = 0
    worth: Floats = field(default_factory=lambda: np.zeros(0))
    learned: int = 0

    def copy(self) -> _Walk:
        return replace(self, looked=dict(self.looked))


class LocalSearch(ReplayedStrategy):
    """Tries the neighbours of one trial until one is better, and goes on from there.

    The walk is always the same for one seed; a trial that it needs and that nobody ran is the proposal. So a
    repeat is answered from memory and costs nothing. It differs from the textbook in two ways. The neighbours
    come in the order of what their choices have earned so far, by rank, and not at random. A restart is a
    jump from the best summit, the longer the more often jumps led to known ground, and not a random point.
    """

    FIRST = 6
    """Random trials, of which the best is the first foothold."""
    KICK = 4
    """Decisions that a restart changes at least."""
    RELEARN = 1.05
    """What choices earned is worked out again each time the trials have grown by this factor."""
    HOPELESS = 200
    """Climbs over known ground after which the space counts as used up."""

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        super().__init__(space, seed, budget)
        self._one_hot = OneHot([len(decision.choices) for decision in space.decisions])
        self._walk = _Walk()

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        walk, is_sure = self._walk, True
        while walk.fruitless < self.HOPELESS:
            vector = self._next(walk)
            if vector is None:
                continue
            key = self.space.key(vector)
            if key not in seen:
                return Proposal(vector, walk.at.number if walk.at else None)
            if (
                is_sure and key not in self.memory
            ):  # under way: go on as if it had failed, but remember nothing
                walk, is_sure = walk.copy(), False
            self._look(walk, vector, self.memory.get(key))
        return Proposal(self._new_sample(rng, seen))

    def _next(self, walk: _Walk) -> Vector | None:
        """The vector that the walk needs to know of; None at the end of a climb."""
        if walk.at is None:
            return self._foothold(walk)
        if walk.done < len(walk.todo):
            return walk.todo[walk.done]
        if walk.summit is None or reward_of(walk.at) > reward_of(walk.summit):
            walk.summit = walk.at
        self._give_up(walk)
        return None

    def _give_up(self, walk: _Walk) -> None:
        walk.climb, walk.at, walk.done = walk.climb + 1, None, 0
        walk.fruitless = walk.fruitless + 1 if len(walk.looked) == walk.known else 0
        walk.known = len(walk.looked)

    def _foothold(self, walk: _Walk) -> Vector:
        """Where a climb begins; the very first has ``FIRST`` to choose from."""
        rng = random.Random(f"{self.seed}:climb:{walk.climb}:{walk.done}")
        if walk.climb == 0 and walk.done < len(self.space.starts):
            return self.space.starts[walk.done]
        if walk.summit is None:
            return self.space.sample(rng)
        vector = walk.summit.vector
        try:
            for _ in range(min(len(vector), self.KICK + walk.fruitless)):
                vector = self.space.mutate(vector, rng)
        except SpaceError:  # a summit without neighbours: the space is that small
            return self.space.sample(rng)
        return vector

    def _look(self, walk: _Walk, vector: Vector, trial: Trial | None) -> None:
        """Learn what a vector is worth, and step there if that is better."""
        walk.done += 1
        has_reward = trial is not None and trial.reward is not None
        if trial is not None and has_reward:
            walk.looked.setdefault(trial.key, replace(trial, vector=vector))
        if walk.at is None:
            self._settle(walk, trial if has_reward else None)
        elif trial is not None and has_reward and reward_of(trial) > reward_of(walk.at):
            self._step(walk, replace(trial, vector=vector))

    def _settle(self, walk: _Walk, foothold: Trial | None) -> None:
        if walk.climb > 0:
            if foothold is None:
                self._give_up(walk)
            else:
                self._step(walk, foothold)
        elif walk.done >= max(self.FIRST, len(self.space.starts)) and walk.looked:
            self._step(walk, min(walk.looked.values(), key=lambda trial: (-reward_of(trial), trial.number)))

    def _step(self, walk: _Walk, to: Trial) -> None:
        order = random.Random(f"{self.seed}:climb:{walk.climb}:{to.key}")
        neighbours = list(self.space.neighbours(to.vector, order))
        walk.at, walk.done, walk.todo = to, 0, neighbours
        if neighbours:
            if len(walk.looked) >= self.RELEARN * walk.learned:
                walk.worth = worth_of_choices(self._one_hot, list(walk.looked.values()))
                walk.learned = len(walk.looked)
            promise = self._one_hot(neighbours) @ walk.worth
            walk.todo = [neighbours[i] for i in np.argsort(-promise, kind="stable")]
