"""How sure a controller became: its probabilities at moments of a search, by replaying what it was taught."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from search_engine.space.base import Space
from search_engine.strategies.base import StrategyFactory
from search_engine.trial import Trial, Vector

MILESTONES = 5
"""At most so many, besides the beginning and the end."""
FIRST_STEP = 5
"""Trials from one milestone to the next, once there are more than five; it doubles as often as needed."""


@runtime_checkable
class Controlled(Protocol):
    """A strategy with a policy that can be asked."""

    def probabilities(self, vector: Vector) -> list[list[float]]:
        """Of each choice of each decision, where the decisions before it are those of the vector."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """What a controller thought.

    Attributes:
        trials: how many it had learned from.
        probabilities: of each choice, by decision.
    """

    trials: int
    probabilities: tuple[tuple[float, ...], ...]

    @property
    def entropy(self) -> float:
        """Mean over the decisions, in nats."""
        return sum(map(entropy, self.probabilities)) / max(1, len(self.probabilities))

    @property
    def torn_between(self) -> float:
        """Between how many equally likely choices a decision hangs, on average: exp(mean entropy)."""
        return math.exp(self.entropy)


def sharpening(
    make: StrategyFactory,
    space: Space,
    *,
    seed: int,
    budget: int | None,
    trials: Sequence[Trial],
    along: Vector,
) -> tuple[Moment, ...]:
    """The controller before, during and after a search; empty if the strategy has none.

    Args:
        make: of the strategy, from the registry.
        space, seed, budget: as the search gave them to it.
        trials: that ended, in the order of their numbers.
        along: each decision's probabilities are those after the decisions of this vector.
    """
    strategy = make(space, seed, budget)
    if not isinstance(strategy, Controlled):
        return ()
    moments: list[Moment] = []
    for count in dict.fromkeys((0, *milestones(len(trials)), len(trials))):
        strategy.update(completed=trials[:count], active=())
        moments.append(Moment(count, tuple(tuple(row) for row in strategy.probabilities(along))))
    return tuple(moments)


def milestones(trials: int) -> tuple[int, ...]:
    """Round numbers of trials, evenly spaced, at which to look at a search that has so many.

    A longer search has some of the milestones of a shorter one and none between them, so whoever remembers
    how it stood at the last ones need never look back.
    """
    step = 1 if trials <= MILESTONES else FIRST_STEP
    while trials > MILESTONES * step:
        step *= 2
    return tuple(range(step, trials + 1, step))


def entropy(probabilities: Sequence[float]) -> float:
    """Of one decision, in nats (Shannon 1948)."""
    return -sum(p * math.log(p) for p in probabilities if p > 0)
