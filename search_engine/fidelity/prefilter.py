"""Which of a few draws to train, by what costs nothing to know: how large each network is.

The proxies are believed only while they foretell accuracy in this very search. The evidence must not be made
by the filter itself: a search that trains nothing but the largest of its draws has no small networks left
that could show size to matter, or not to matter (restriction of range). So trials of the random arm are never
filtered, and only trials that were not filtered count as evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search_engine.space.proxies import rank_sum, ranks

FEWEST = 12
"""Trained networks below which a rank correlation is mostly luck."""
TRUSTED = 0.3
"""Least rank correlation. Of 12 networks that have nothing to do with their size, one in six reaches it: a
mistaken filter costs variety until more networks correct it, a missing one costs the gain."""

Scores = tuple[float, ...]
"""Proxies of a network, e.g. ``space.proxies.Proxies``; more is better."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far proxies foretell accuracy in a search.

    Attributes:
        correlation: Spearman's, between the sum of the proxies' ranks and the rewards; NaN if all rewards, or
            all sums, are equal, or there are fewer than two networks.
        networks: that it is computed over.
    """

    correlation: float
    networks: int

    @property
    def trusted(self) -> bool:
        return self.networks >= FEWEST and self.correlation >= TRUSTED

    def sentence(self, draws: int) -> str:
        """What it means for the next proposal, for people.

        Args:
            draws: how many candidates there are to choose from.
        """
        if self.networks < FEWEST:
            return (
                f"Whether size foretells accuracy here is not known before {FEWEST} networks are trained "
                f"({self.networks} so far), so every draw is trained."
            )
        if math.isnan(self.correlation):
            return (
                f"All {self.networks} networks do equally well, so their size foretells nothing: it is off."
            )
        over = f"(rank correlation {self.correlation:.2f} over {self.networks} networks)"
        if self.trusted:
            return f"Size foretells accuracy here {over}, so of {draws} draws the largest is trained."
        return f"Size does not foretell accuracy here {over}, so choosing by it is off."


class Prefilter:
    """Chooses among draws while that is justified. A function of its history, like a strategy.

    Attributes:
        trust: the evidence.
    """

    def __init__(self, history: Sequence[tuple[Scores, float]]) -> None:
        """Weigh the evidence.

        Args:
            history: proxies and reward of each trained network that no filter chose: all of the random arm,
                and those of the strategy that were proposed while the filter was off. Rewards that are not
                finite (failed trainings) do not count.
        """
        known = [(scores, reward) for scores, reward in history if math.isfinite(reward)]
        sums = rank_sum([scores for scores, _ in known])
        self.trust = Trust(spearman(sums, [reward for _, reward in known]), len(known))

    def pick(self, candidates: Sequence[Scores]) -> int:
        """Index of the candidate to train: of the largest rank sum, or the first while size is not trusted.

        Raises:
            ValueError: there are no candidates.
        """
        if not candidates:
            raise ValueError("there is nothing to choose from")
        if not self.trust.trusted:
            return 0
        sums = rank_sum(candidates)
        return sums.index(max(sums))


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation, equals sharing their rank; NaN where one of the two does not vary."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be compared with {len(second)}")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return math.nan
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])
