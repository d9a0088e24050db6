"""What choices have earned so far: the simplest model there is, and a good order in which to try changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_engine.strategies.base import reward_of
from search_engine.strategies.surrogate import Floats, OneHot
from search_engine.trial import Trial


def worth_of_choices(one_hot: OneHot, trials: Sequence[Trial]) -> Floats:
    """Of each choice, by its place in the one-hot encoding: the mean rank of the trials that made it.

    Ranks are from 0 to 1, and one middling trial is added to each choice, so the untried is worth a half.
    By rank and not by reward, because how bad the bad ones are says nothing.

    Args:
        one_hot: of the space.
        trials: with rewards.
    """
    rewards = np.array([reward_of(trial) for trial in trials])
    ranks = np.searchsorted(np.sort(rewards), rewards, side="right") / len(rewards)
    rows = one_hot([trial.vector for trial in trials]).astype(np.float64)
    return np.asarray((rows.T @ ranks + 0.5) / (rows.sum(axis=0) + 1.0), dtype=np.float64)
