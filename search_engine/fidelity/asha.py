"""Asynchronous successive halving, ASHA (Li et al. 2018, arXiv:1810.05934): for slots that never wait."""

from __future__ import annotations

from collections.abc import Sequence

from search_engine.fidelity.base import Job, Ladder, Result, promotable, ranked


class Asha(Ladder):
    """Promotes whoever is among the best of a rung now, and else trains somebody new.

    Of n trials at a rung the best n * cost / next cost may climb, so each rung costs about the same in all
    (the published eta, from the costs themselves). The first are promoted early and by little evidence; that
    is the price of never waiting.
    """

    def next_job(self, results: Sequence[Result]) -> Job | None:
        """See ``Scheduler.next_job``."""
        left = self.budget - self.spent(results)
        for rung in reversed(range(len(self.costs) - 1)):
            count = int(len(ranked(results, rung)) * self.costs[rung] / self.costs[rung + 1])
            trial = promotable(results, rung, count)
            if trial is not None and self.costs[rung + 1] <= left:
                return Job(trial.vector, rung + 1, trial.number)
        return self.new_job(results) if self.costs[0] <= left else None
