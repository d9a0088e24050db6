"""Random search: the control that every other strategy is measured against."""

from __future__ import annotations

import random

from search_engine.strategies.base import ReplayedStrategy
from search_engine.trial import Proposal


class RandomSearch(ReplayedStrategy):
    """Draws uniformly, without replacement as long as the space has something new."""

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        return Proposal(self._new_sample(rng, seen))
