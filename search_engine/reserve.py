"""How much of a budget is kept back for the end of a search, when what wins is fitted again."""

from __future__ import annotations

from search_engine.config import SearchConfig

MOST_MEMBERS = 5
"""Networks that answer together. More add little, and all of them have to be fitted again and served."""
FINISH_SHARE = 0.2
"""Of the budget that is kept back, at the most, to fit an ensemble's networks again."""
REFIT_FACTOR = 1.3
"""The final fit also sees the validation pictures (15 of 70 parts more), and a busy machine is slower."""


def members_planned(config: SearchConfig, seconds: float) -> int:
    """How many networks there will be time to fit again, if one takes so many seconds to train."""
    if not config.ensemble or config.objective != "accuracy":
        return 1
    share = FINISH_SHARE * config.budget_seconds * config.slots
    return min(MOST_MEMBERS, max(1, int(share / (REFIT_FACTOR * seconds))))


def refit_reserve(config: SearchConfig, expected: float, winner: float) -> float:
    """Seconds to keep back for fitting what wins again.

    Args:
        config: budget and slots.
        expected: seconds that a network takes.
        winner: seconds that the best so far took, if that is more.
    """
    others = (members_planned(config, expected) - 1) * expected
    return REFIT_FACTOR * max(winner, (winner + others) / config.slots)
