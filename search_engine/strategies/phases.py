"""When to begin anew: a search that its first samples led to the wrong hill seldom leaves it by itself."""

from __future__ import annotations

from collections.abc import Sequence

from search_engine.space.base import Space
from search_engine.strategies.base import reward_of
from search_engine.trial import Trial

PATIENCE = 0.75
"""Trials without improvement before the next phase, as a share of the neighbours that a candidate has."""


def patience(space: Space, least: int) -> int:
    """Trials without improvement that a phase may last, by the size of a neighbourhood."""
    return max(least, round(PATIENCE * sum(len(decision.choices) - 1 for decision in space.decisions)))


def phase_start(finished: Sequence[Trial], patience: int) -> int | None:
    """Where the present phase began.

    Phases alternate, each until ``patience`` trials have improved nothing: a new start that knows only what
    came since, as trust-region optimisers do (Eriksson et al. 2019, arXiv:1910.01739), and one that remembers
    everything and goes on from the best of all starts.

    Args:
        finished: trials with a reward, oldest first.
        patience: trials without improvement.

    Returns:
        Index of the first trial of the present start; None in a phase that remembers everything.
    """
    start = last = phase = 0
    best = overall = float("-inf")
    for index, trial in enumerate(finished):
        if index - last >= patience:
            phase += 1
            start = last = index
            best = overall if phase % 2 else float("-inf")
        reward = reward_of(trial)
        if reward > best:
            best, last = reward, index
        overall = max(overall, best)
    if len(finished) - last >= patience:
        phase += 1
        start = len(finished)
    return None if phase % 2 else start


def best_first(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The trials with the highest rewards; of equals, the earliest."""
    return sorted(trials, key=lambda trial: (-reward_of(trial), trial.number))[:count]
