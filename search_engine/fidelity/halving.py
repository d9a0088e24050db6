"""Successive halving with a budget known from the start (Jamieson and Talwalkar 2016, arXiv:1502.07943)."""

from __future__ import annotations

from collections.abc import Sequence

from search_engine.fidelity.base import Job, Ladder, Result, promotable
from search_engine.trial import TrialState


class SuccessiveHalving(Ladder):
    """Many short trainings, then the best of them longer, and so on; each rung has its share of the budget.

    A rung is begun when the one below is done, so that the few places above go to the best of all and not to
    the best of the first few. What a rung leaves over goes to the next.
    """

    def next_job(self, results: Sequence[Result]) -> Job | None:
        """See ``Scheduler.next_job``."""
        for rung, cost in enumerate(self.costs):
            share = self.budget * (sum(self.shares[: rung + 1]) + 1e-9 if results else 1.0)  # one at least
            spent = sum(self.costs[result.rung] for result in results if result.rung <= rung)
            if spent + cost > min(share, self.budget):
                continue
            if rung == 0:
                return self.new_job(results)
            trial = promotable(results, rung - 1, len(results))
            if trial is not None and not _running(results, rung - 1):
                return Job(trial.vector, rung, trial.number)
        return None


def _running(results: Sequence[Result], rung: int) -> bool:
    active = (TrialState.QUEUED, TrialState.RUNNING)
    return any(result.rung == rung and result.trial.state in active for result in results)
