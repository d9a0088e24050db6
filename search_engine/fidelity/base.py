"""The one interface of all schedulers.

A rung is one length of training (epochs, resolution, share of the pictures), 0 the cheapest. Where new
candidates come from is the strategy's business: it sees the rewards of rung 0 alone, so it never compares a
short training with a long one. A scheduler says who climbs. The winner comes from the highest rung reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from search_engine.fidelity.smooth import Smoother
from search_engine.space.base import Space
from search_engine.strategies import STRATEGIES
from search_engine.strategies.base import Strategy, reward_of
from search_engine.trial import Trial, TrialState, Vector

WEIGHT = 2 / 3
"""What all trainings of a rung may cost, as a share of what those of the rung below may. Finding the region
takes more trainings than telling the best few apart."""
TRUSTING = frozenset({"evolution"})
"""Strategies that take each reward at its word, and so get smoothed ones; others have a model or average."""


@dataclass(frozen=True, slots=True)
class Result:
    """A trial and the rung it was trained at. It may be under way still.

    Attributes:
        trial: as strategies see it.
        rung: from 0.
    """

    trial: Trial
    rung: int

    @property
    def reward(self) -> float | None:
        """None unless it finished with one."""
        return self.trial.reward if self.trial.state is TrialState.FINISHED else None


@dataclass(frozen=True, slots=True)
class Job:
    """What to train next.

    Attributes:
        vector: the candidate.
        rung: how long.
        parent: number of the trial it was mutated from, or that it is promoted from.
    """

    vector: Vector
    rung: int
    parent: int | None


class Scheduler(Protocol):
    """A function of its settings and the results, like a strategy."""

    def next_job(self, results: Sequence[Result]) -> Job | None:
        """What to train next; None if nothing more is affordable.

        Args:
            results: all jobs so far, those under way too, in any order.
        """
        ...


class SchedulerFactory(Protocol):
    """What the registry holds."""

    def __call__(
        self, space: Space, strategy: str, seed: int, costs: Sequence[float], budget: float
    ) -> Scheduler:
        """A scheduler that knows nothing yet.

        Args:
            space: to search.
            strategy: a name in ``STRATEGIES``; it proposes the candidates of rung 0.
            seed: of the search.
            costs: of one training at each rung, rising.
            budget: what all trainings together may cost.
        """
        ...


class Ladder:
    """Bookkeeping that every scheduler here shares.

    Attributes:
        costs: of one training at each rung.
        budget: what all trainings together may cost.
        shares: of the budget, one a rung.
    """

    def __init__(self, space: Space, strategy: str, seed: int, costs: Sequence[float], budget: float) -> None:
        self.costs = tuple(costs)
        self.budget = budget
        self.shares = shares_of(len(self.costs))
        self._make: Callable[[], Strategy] = lambda: STRATEGIES[strategy](space, seed, self.expected(0))
        self._strategy: Strategy = self._make()
        self._smoother = Smoother(space) if strategy in TRUSTING and len(self.costs) > 1 else None

    def expected(self, rung: int) -> int:
        """How many trainings the rung affords."""
        return max(1, int(self.budget * self.shares[rung] / self.costs[rung]))

    def spent(self, results: Sequence[Result]) -> float:
        """Cost of all that was begun."""
        return sum(self.costs[result.rung] for result in results)

    def new_job(self, results: Sequence[Result]) -> Job:
        """A new candidate for rung 0, from the strategy."""
        trials = [result.trial for result in results if result.rung == 0]
        active = (TrialState.QUEUED, TrialState.RUNNING)
        if self._smoother is not None:  # every reward may change with each new one
            self._strategy, trials = self._make(), self._smoother(trials)
        self._strategy.update(
            [trial for trial in trials if trial.state not in active],
            [trial for trial in trials if trial.state in active],
        )
        (proposal,) = self._strategy.suggest(1)
        return Job(proposal.vector, 0, proposal.parent)


def shares_of(rungs: int) -> tuple[float, ...]:
    """Of a budget, one a rung."""
    weights = [WEIGHT**rung for rung in range(rungs)]
    return tuple(weight / sum(weights) for weight in weights)


def cost_of(trainings: int, costs: Sequence[float], in_full: float) -> float:
    """The budget that so many trainings use up.

    Args:
        trainings: on all rungs together.
        costs: of one training at each rung.
        in_full: share of the budget that goes to trainings at the last rung alone, such as a random arm's.
    """
    shared = sum(share / cost for share, cost in zip(shares_of(len(costs)), costs, strict=True))
    return trainings / (in_full / costs[-1] + (1.0 - in_full) * shared)


def ranked(results: Sequence[Result], rung: int) -> list[Trial]:
    """The finished trials of a rung, best first; of equals, the earliest. A repeat counts once."""
    finished = [r.trial for r in results if r.rung == rung and r.reward is not None]
    finished.sort(key=lambda trial: (-reward_of(trial), trial.number))
    first: dict[str, Trial] = {}
    for trial in finished:
        first.setdefault(trial.key, trial)
    return list(first.values())


def promotable(results: Sequence[Result], rung: int, count: int) -> Trial | None:
    """The best of the first ``count`` of a rung that nobody trained at the next one."""
    above = {result.trial.key for result in results if result.rung == rung + 1}
    return next((trial for trial in ranked(results, rung)[:count] if trial.key not in above), None)
