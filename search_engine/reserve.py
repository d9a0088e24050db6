"""How much of a budget is kept back for the end of a search, when what wins is fitted again."""

from __future__ import annotations

from search_engine.config import SearchConfig

MOST_MEMBERS = 5
"""Networks that answer together. More add little, and all of them have to be fitted again and served."""
FINISH_SHARE = 0.2
"""Of the budget that is kept back, at the most, to fit an ensemble's networks again."""
REFIT_FACTOR = 1.3
"""The final fit also sees the validation pictures (15 of 70 parts more), and a busy machine is slower."""

DOUBT_SHARE = 0.02
"""Of the budget that is kept back to look for wrong labels, where that takes trainings of its own."""
DOUBT_RESERVE = 10.0
"""Seconds for that which are enough: five folds of some thousand pictures."""
DOUBT_MOST = 30.0
"""Seconds that it may take where the budget has them left."""
DOUBT_MARGIN = 2.0
"""Seconds of these that stay free, to write it down and to end."""
DOUBT_LATE = 1.0
"""Seconds that it takes where the budget is overdrawn already."""

CROSSED_FACTOR = 1.1
"""The folds of a cross-validation train on all pictures all but once; the rest is for a busy machine."""


def refit_factor(folds: int) -> float:
    """Seconds of the final fit of a network, by those that its trial took in so many folds."""
    return CROSSED_FACTOR / (folds - 1) if folds > 1 else REFIT_FACTOR


def members_planned(config: SearchConfig, seconds: float, folds: int = 0) -> int:
    """How many networks there will be time to fit again, if one takes so many seconds to train."""
    if not config.ensemble or config.objective != "accuracy":
        return 1
    share = FINISH_SHARE * config.budget_seconds * config.slots
    return min(MOST_MEMBERS, max(1, int(share / (refit_factor(folds) * seconds))))


def refit_reserve(config: SearchConfig, expected: float, winner: float, folds: int = 0) -> float:
    """Seconds to keep back for fitting what wins again.

    Args:
        config: budget and slots.
        expected: seconds that a network takes.
        winner: seconds that the best so far took, if that is more.
        folds: in which each is trained.
    """
    others = (members_planned(config, expected, folds) - 1) * expected
    return refit_factor(folds) * max(winner, (winner + others) / config.slots)


def doubt_reserve(config: SearchConfig, folds: int) -> float:
    """Seconds to keep back for doubting labels; a cross-validation has said all that takes time already."""
    return 0.0 if folds > 1 else min(DOUBT_RESERVE, DOUBT_SHARE * config.budget_seconds)


def doubt_seconds(config: SearchConfig, folds: int, left: float) -> float:
    """Seconds that doubting labels may take, once the model is finished and the budget has so many left."""
    if left < 0.0:
        return min(DOUBT_LATE, doubt_reserve(config, folds))
    return max(doubt_reserve(config, folds), min(DOUBT_MOST, left - DOUBT_MARGIN))
