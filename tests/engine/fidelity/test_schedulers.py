"""Schedulers on a table with a cheap fidelity: budgets kept, the best promoted, the winner fully trained."""

from __future__ import annotations

import itertools
import random
from statistics import fmean

import pytest

from search_engine.bench import bench_costs, look, spend
from search_engine.errors import SpaceError
from search_engine.fidelity import SCHEDULERS, Job, Result
from search_engine.fidelity.base import ranked
from search_engine.space.table import Fidelity, TableSpace
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState

ALL = pytest.mark.parametrize("name", sorted(SCHEDULERS))
LOW, FULL = 5.0, 100.0


def two_fidelities() -> TableSpace:
    """A hill whose short training is blurred: it finds the region, and not the summit."""
    rng = random.Random(0)
    vectors = list(itertools.product(range(5), repeat=5))
    truth = {v: 90.0 - sum((x - 3) ** 2 for x in v) - 0.5 * abs(v[0] - v[1]) for v in vectors}
    short = {v: (truth[v] - 10 + rng.gauss(0, 1.0),) for v in vectors}
    full = Fidelity(cost=FULL, rewards={v: (truth[v],) for v in vectors})
    return TableSpace([list("abcde")] * 5, truth, full, Fidelity(cost=LOW, rewards=short))


def climb(table: TableSpace, name: str, budget: float, seed: int = 0) -> list[Result]:
    ladder = SCHEDULERS[name](table, "evolution", seed, (LOW, FULL), budget)
    rungs = [table.low, table.full]
    results: list[Result] = []
    while (job := ladder.next_job(results)) is not None:
        rung = rungs[job.rung]
        assert rung is not None
        trial = look(rung, table, Proposal(job.vector, job.parent), len(results), seed)
        results.append(Result(trial, job.rung))
    return results


@ALL
def test_the_budget_is_used_and_kept(name: str) -> None:
    for budget in (20.0, 150.0, 1000.0):
        spent = sum((LOW, FULL)[result.rung] for result in climb(two_fidelities(), name, budget))
        assert spent <= budget
        assert spent > budget - FULL


@ALL
def test_nobody_is_trained_twice_at_a_rung(name: str) -> None:
    results = climb(two_fidelities(), name, 1500.0)
    tried = [(result.trial.key, result.rung) for result in results]
    assert len(set(tried)) == len(tried)


@ALL
def test_only_who_did_well_in_short_is_trained_in_full(name: str) -> None:
    results = climb(two_fidelities(), name, 1000.0)
    low = [trial.key for trial in ranked(results, 0)]
    full = [result.trial for result in results if result.rung == 1]
    assert len(full) >= 4
    assert all(low.index(trial.key) < len(low) / 3 for trial in full)
    assert all(trial.parent is not None for trial in full)


def test_halving_promotes_the_very_best() -> None:
    results = climb(two_fidelities(), "halving", 1000.0)
    full = [result.trial.key for result in results if result.rung == 1]
    assert full == [trial.key for trial in ranked(results, 0)[: len(full)]]
    assert sum(FULL for _ in full) == 400.0  # two fifths of the budget


@ALL
def test_it_is_a_function_of_the_results(name: str) -> None:
    table = two_fidelities()
    results = climb(table, name, 600.0)
    for known in (0, 7, 30, len(results) - 1):
        fresh = SCHEDULERS[name](table, "evolution", 0, (LOW, FULL), 600.0)
        job = fresh.next_job(results[:known])
        expected = results[known]
        assert job == Job(expected.trial.vector, expected.rung, expected.trial.parent)


def test_failures_are_not_promoted() -> None:
    failed = Trial(0, Kind.NETWORK, Origin.STRATEGY, TrialState.FAILED, (0, 0), "0,0")
    good = Trial(1, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, (0, 1), "0,1", reward=0.5)
    assert ranked([Result(failed, 0), Result(good, 0)], 0) == [good]


@ALL
def test_it_reaches_further_than_full_training_for_the_same_cost(name: str) -> None:
    table = two_fidelities()
    cheap = bench_costs(table, "evolution", name, 1000.0, 6)["mean"]["1000"]
    full = bench_costs(table, "evolution", None, 1000.0, 6)["mean"]["1000"]
    assert cheap > full + 2.0


def test_until_somebody_is_trained_in_full_the_best_in_short_counts() -> None:
    table = two_fidelities()
    steps = spend(table, "evolution", "halving", 400.0, 0)
    assert [step.spent for step in steps[:3]] == [5.0, 10.0, 15.0]
    assert fmean(step.score for step in steps[-2:]) > steps[0].score


@ALL
def test_a_budget_for_one_short_training_buys_it_and_a_smaller_one_is_refused(name: str) -> None:
    table = two_fidelities()
    assert len(spend(table, "evolution", name, LOW, 0)) == 1
    with pytest.raises(SpaceError, match="does not pay"):
        bench_costs(table, "evolution", name, LOW / 2, 2)
