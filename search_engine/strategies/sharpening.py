"""How sure a controller became: its probabilities at moments of a search, by replaying what it was taught."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from search_engine.space.base import Space
from search_engine.strategies.base import StrategyFactory
from search_engine.trial import Trial, Vector

MOMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the trials."""


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
    shares: Sequence[float] = MOMENTS,
) -> tuple[Moment, ...]:
    """The controller before, during and after a search; empty if the strategy has none.

    Args:
        make: of the strategy, from the registry.
        space, seed, budget: as the search gave them to it.
        trials: that ended, in the order of their numbers.
        along: each decision's probabilities are those after the decisions of this vector.
        shares: of the trials, ascending; moments at the same number of trials are given once.
    """
    strategy = make(space, seed, budget)
    if not isinstance(strategy, Controlled):
        return ()
    moments: list[Moment] = []
    for count in dict.fromkeys(round(share * len(trials)) for share in shares):
        strategy.update(completed=trials[:count], active=())
        moments.append(Moment(count, tuple(tuple(row) for row in strategy.probabilities(along))))
    return tuple(moments)


def entropy(probabilities: Sequence[float]) -> float:
    """Of one decision, in nats (Shannon 1948)."""
    return -sum(p * math.log(p) for p in probabilities if p > 0)
