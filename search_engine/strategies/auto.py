"""Which strategy, by how many evaluations the budget affords. The figures are in decision 5."""

from __future__ import annotations

from dataclasses import dataclass

from search_engine.space.base import Space
from search_engine.strategies.base import TYPICAL_BUDGET, Strategy

FEW = 12
"""Below this there is no model to speak of: it would be fitted to the first six random ones."""
MANY = 1000
"""Above this a suggestion of the predictor takes longer to work out, and evolution arrives as well."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What ``auto`` took.

    Attributes:
        name: of a strategy in the registry.
        reason: for people.
    """

    name: str
    reason: str


def choose(budget: int | None) -> Choice:
    """The strategy for a number of evaluations.

    Args:
        budget: evaluations that the search affords in all; None if nobody can tell.
    """
    known = TYPICAL_BUDGET if budget is None else budget
    about = f"The budget affords about {known} network{'' if known == 1 else 's'}"
    if budget is None:
        about = "How many networks the budget affords is not known"
    if known < FEW:
        return Choice(
            "local",
            f"{about}: too few to learn from, so a handful is tried and then the best of them varied.",
        )
    if known <= MANY:
        return Choice(
            "predictor",
            f"{about}: each is chosen by a model that predicts, from those before, where the next gain lies.",
        )
    return Choice("evolution", f"{about}: enough for evolution, which keeps the good ones and varies them.")


def explain(budget: int | None) -> str:
    """In words, what ``auto`` does with a budget, and why."""
    return choose(budget).reason


def auto(space: Space, seed: int, budget: int | None = None) -> Strategy:
    """The strategy that ``choose`` takes. After more minutes it may be another, told the same trials."""
    from search_engine.strategies.registry import STRATEGIES

    return STRATEGIES[choose(budget).name](space, seed, budget)
