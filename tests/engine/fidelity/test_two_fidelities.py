"""What short trainings are worth: with an eighth of the cost, evolution reaches what it does in full.

On NAS-Bench-201 with simulated short trainings (see the script). The opponent is the textbook's evolution as
the reference ran it: population 20, tournament of 5, one mutation a child, every training in full.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest

from search_engine.bench import bench_costs, look
from search_engine.fidelity.smooth import FEWEST, Smoother
from search_engine.space.table import TableSpace, read_table
from search_engine.strategies.base import reward_of
from search_engine.strategies.evolution import RegularizedEvolution
from search_engine.strategies.random import RandomSearch
from search_engine.trial import Proposal, Trial

ROOT = Path(__file__).resolve().parents[3]
SEEDS = 20
CHEAP, DEAR = 2000, 16000
"""Epochs."""
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TableSpace:
    path = tmp_path_factory.mktemp("tables") / "cifar10.json"
    script = ROOT / "scripts" / "blur_nas_bench_201.py"
    subprocess.run([sys.executable, str(script), "cifar10", str(path)], check=True)
    return read_table(path)


def textbook(table: TableSpace, seed: int) -> float:
    """Truth of the best of ``DEAR`` epochs."""
    strategy = RegularizedEvolution(table, seed, population=20, tournament=5, warm_up=20, litter=1)
    best = float("-inf")
    for number in range(int(DEAR / table.full.cost)):
        (proposal,) = strategy.suggest(1)
        strategy.update([look(table.full, table, proposal, number, seed)], [])
        best = max(best, table.truth[proposal.vector])
    return best


def test_an_eighth_of_the_cost_is_enough(table: TableSpace) -> None:
    cheap = bench_costs(table, "evolution", "halving", CHEAP, SEEDS)
    assert cheap["score"] == cheap["mean"][str(CHEAP)]
    assert cheap["score"] >= fmean(textbook(table, seed) for seed in range(SEEDS))


def test_smoothed_rewards_are_nearer_the_truth(table: TableSpace) -> None:
    assert table.low is not None
    strategy, trials = RandomSearch(table, 0), list[Trial]()
    for number in range(100):
        (proposal,) = strategy.suggest(1)
        trials.append(look(table.low, table, Proposal(proposal.vector), number, 0))
        strategy.update(trials[-1:], [])
    smooth = Smoother(table)(trials)
    assert [trial.number for trial in smooth] == list(range(100))

    def misplaced(told: list[Trial]) -> float:
        by_truth = sorted(told, key=lambda trial: table.truth[trial.vector])
        by_reward = sorted(told, key=reward_of)
        return fmean(abs(by_truth.index(trial) - by_reward.index(trial)) for trial in told)

    assert misplaced(smooth) < misplaced(trials)


def test_a_handful_is_left_as_it_is(table: TableSpace) -> None:
    vectors = list(table.truth)[: FEWEST - 1]
    trials = [look(table.full, table, Proposal(vector), i, 0) for i, vector in enumerate(vectors)]
    assert Smoother(table)(trials[::-1]) == trials
