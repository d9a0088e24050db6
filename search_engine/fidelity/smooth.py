"""What short trainings say once their noise is taken out: each reward as its neighbours would have it.

A short training is a poor witness, and a strategy that compares rewards as they are breeds from the lucky.
The mean of a Gaussian process (``strategies/surrogate.py``) over all short trainings is a better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search_engine.space.base import Space
from search_engine.strategies.base import reward_of
from search_engine.strategies.surrogate import OneHot, Surrogate, standardise
from search_engine.trial import Trial, TrialState

FEWEST = 8
"""Rewards from which on there is something to smooth; kernel and noise are fitted after each so many more."""

MOST = 144
"""Rewards that kernel and noise are fitted to: they are two numbers, and more only cost time."""


class Smoother:
    """A function of the trials alone; what it keeps only saves time."""

    def __init__(self, space: Space) -> None:
        self._one_hot = OneHot([len(decision.choices) for decision in space.decisions])
        self._fitted: tuple[list[tuple[int, float]], Surrogate] | None = None

    def __call__(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials in the order of their numbers, those that finished with a smoothed reward.

        Smoothed rewards are in standard deviations from the mean of all: good for comparing, not for showing.
        """
        ordered = sorted(trials, key=lambda trial: trial.number)
        finished = [t for t in ordered if t.state is TrialState.FINISHED and t.reward is not None]
        if len(finished) < FEWEST:
            return ordered
        surrogate = self._surrogate(finished[: min(len(finished), MOST) // FEWEST * FEWEST])
        rows = self._one_hot([trial.vector for trial in finished])
        surrogate.fit(rows, standardise([reward_of(trial) for trial in finished]))
        means, _ = surrogate.predict(rows)
        smooth = {trial.number: float(mean) for trial, mean in zip(finished, means, strict=True)}
        return [replace(t, reward=smooth[t.number]) if t.number in smooth else t for t in ordered]

    def _surrogate(self, first: Sequence[Trial]) -> Surrogate:
        """With the kernel and the noise that are likeliest by the first trials."""
        facts = [(trial.number, reward_of(trial)) for trial in first]
        if self._fitted is None or self._fitted[0] != facts:
            rows = self._one_hot([trial.vector for trial in first])
            rewards = standardise([reward_of(trial) for trial in first])
            self._fitted = facts, Surrogate.likeliest(rows, rewards)
        return self._fitted[1]
