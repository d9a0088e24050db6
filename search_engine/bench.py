"""Strategies on tables: the very classes that search networks, on results that others measured."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from search_engine.errors import SpaceError
from search_engine.fidelity import SCHEDULERS, Result
from search_engine.fidelity.base import ranked
from search_engine.space.table import Fidelity, TableSpace
from search_engine.strategies import STRATEGIES
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState

CHECKPOINTS = (10, 20, 50, 100, 200, 500)
"""Evaluations after which the best so far is reported."""
TOLERANCE = 0.1
"""A search has arrived once its best is worth this much less than the best of the table."""
REPEATS = 20
"""Repeats a strategy may propose in a row, all of them free, before its space counts as used up."""


@dataclass(frozen=True, slots=True)
class Run:
    """One search on a table.

    Attributes:
        scores: after each evaluation, the truth of the candidate with the best reward so far.
        arrived: evaluations until the score was within ``TOLERANCE`` of the best truth; None if never.
    """

    scores: list[float]
    arrived: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """Where a search with costs stands.

    Attributes:
        spent: on all trainings so far.
        score: the truth of the best at the highest rung that was reached.
    """

    spent: float
    score: float


def play(table: TableSpace, strategy: str, evaluations: int, seed: int) -> Run:
    """Search the table once.

    Args:
        table: to search.
        strategy: a name of the registry.
        evaluations: how many candidates may be looked at; a repeat costs nothing.
        seed: of the strategy, and of which of a candidate's rewards this search sees.
    """
    searcher = STRATEGIES[strategy](table, seed, evaluations)
    known: dict[str, Trial] = {}
    scores: list[float] = []
    best: Trial | None = None
    repeats = number = 0
    while len(known) < min(evaluations, len(table.truth)) and repeats < REPEATS:
        (proposal,) = searcher.suggest(1)
        trial = look(table.full, table, proposal, number, seed)
        number += 1
        searcher.update([trial], [])
        if trial.key in known:
            repeats += 1
            continue
        repeats = 0
        known[trial.key] = trial
        if trial.reward is not None and (best is None or trial.reward > (best.reward or 0.0)):
            best = trial
        scores.append(table.truth[best.vector] if best else min(table.truth.values()))
    goal = max(table.truth.values()) - TOLERANCE
    return Run(scores, next((i + 1 for i, score in enumerate(scores) if score >= goal - 1e-9), None))


def look(fidelity: Fidelity, table: TableSpace, proposal: Proposal, number: int, seed: int) -> Trial:
    """What training the proposal would have given. Every search with the same seed sees the same noise."""
    key = table.key(proposal.vector)
    rewards = fidelity.rewards.get(proposal.vector, ())
    reward = random.Random(f"{seed}:{key}").choice(rewards) if rewards else None
    if reward is not None and not math.isfinite(reward):  # the training diverged
        reward = None
    state = TrialState.FAILED if reward is None else TrialState.FINISHED
    return Trial(
        number=number,
        kind=Kind.NETWORK,
        origin=Origin.STRATEGY,
        state=state,
        vector=proposal.vector,
        key=key,
        parent=proposal.parent,
        reward=reward,
        seconds=fidelity.cost,
    )


def bench(table: TableSpace, strategy: str, evaluations: int, seeds: int) -> dict[str, Any]:
    """Search the table once a seed and sum up; the shape is that of ``bench --json``."""
    started = time.perf_counter()
    runs = [play(table, strategy, evaluations, seed) for seed in range(seeds)]
    arrived = median(float("inf") if run.arrived is None else run.arrived for run in runs)
    return {
        "strategy": strategy,
        "mean": {
            str(n): round(fmean(run.scores[min(n, len(run.scores)) - 1] for run in runs), 4)
            for n in checkpoints(evaluations)
        },
        "median_evaluations": None if arrived == float("inf") else arrived,
        "seconds": round(time.perf_counter() - started, 2),
    }


def checkpoints(evaluations: int) -> tuple[int, ...]:
    """Those within so many evaluations; where there are not even ten, their end."""
    return tuple(n for n in CHECKPOINTS if n <= evaluations) or (evaluations,)


def spend(table: TableSpace, strategy: str, scheduler: str | None, budget: float, seed: int) -> list[Step]:
    """Search the table once, with a bound on what all trainings cost together.

    Args:
        table: to search.
        strategy: a name of the registry.
        scheduler: a name in ``SCHEDULERS``; None trains every candidate in full.
        budget: in the unit of the table's costs.
        seed: as in ``play``.
    """
    rungs = [table.full] if scheduler is None or table.low is None else [table.low, table.full]
    costs = [rung.cost for rung in rungs]
    ladder = SCHEDULERS[scheduler or "halving"](table, strategy, seed, costs, budget)
    results: list[Result] = []
    steps: list[Step] = []
    spent = 0.0
    while (job := ladder.next_job(results)) is not None and len(results) < REPEATS * len(table.truth):
        proposal = Proposal(job.vector, job.parent)
        results.append(Result(look(rungs[job.rung], table, proposal, len(results), seed), job.rung))
        spent += costs[job.rung]
        highest = max(result.rung for result in results)
        best = ranked(results, highest)
        steps.append(Step(spent, table.truth[best[0].vector] if best else min(table.truth.values())))
    return steps


def bench_costs(
    table: TableSpace, strategy: str, scheduler: str | None, budget: float, seeds: int
) -> dict[str, Any]:
    """Search the table once a seed within a budget of costs.

    ``mean`` is by what was spent, and ``score`` its last: the mean truth of the winners.

    Raises:
        SpaceError: the budget does not pay for one training or has no end, or short trainings cost more.
    """
    if not math.isfinite(budget):
        raise SpaceError(f"A budget of {budget:g} has no end. Name a number.")
    if scheduler and table.low and table.low.cost >= table.full.cost:
        raise SpaceError(
            f"The table's short training costs {table.low.cost:g} and its full one {table.full.cost:g}. "
            "Correct the costs, or leave the short one out with --scheduler none."
        )
    started = time.perf_counter()
    runs = [spend(table, strategy, scheduler, budget, seed) for seed in range(seeds)]
    if not all(runs):
        raise SpaceError(f"A budget of {budget:g} does not pay for one training. Allow more.")
    return {
        "strategy": strategy,
        "scheduler": scheduler,
        "cost_budget": budget,
        "score": round(fmean(run[-1].score for run in runs), 4),
        "mean": {
            f"{budget * part:g}": round(fmean(_score_at(run, budget * part) for run in runs), 4)
            for part in (0.25, 0.5, 0.75, 1.0)
        },
        "evaluations": round(fmean(len(run) for run in runs), 1),
        "median_evaluations": None,
        "seconds": round(time.perf_counter() - started, 2),
    }


def _score_at(steps: list[Step], spent: float) -> float:
    """Of the last step that was paid for by then; of the first if there was none."""
    return [step.score for step in steps if step.spent <= spent + 1e-9 or step is steps[0]][-1]
