"""Every strategy of the registry on small tables, through the same code as ``bench``."""

from __future__ import annotations

import itertools
import math
import random
from statistics import fmean

import pytest

from search_engine.bench import bench, play
from search_engine.space.table import Fidelity, TableSpace
from search_engine.strategies import STRATEGIES

pytestmark = pytest.mark.parametrize("name", sorted(STRATEGIES))


def hill(decisions: int = 5, options: int = 4) -> TableSpace:
    """A table with one summit, a little noise, and pairs of decisions that depend on each other."""
    rng = random.Random(0)
    vectors = list(itertools.product(range(options), repeat=decisions))
    truth = {v: 90.0 - sum((x - 2) ** 2 for x in v) - 0.5 * abs(v[0] - v[1]) for v in vectors}
    rewards = {v: tuple(truth[v] + rng.gauss(0, 0.1) for _ in range(2)) for v in vectors}
    choices = [[str(i) for i in range(options)]] * decisions
    return TableSpace(choices, truth, Fidelity(cost=1.0, rewards=rewards))


def test_nothing_is_tried_twice_until_the_space_is_used_up(name: str) -> None:
    table = hill(decisions=3, options=3)
    run = play(table, name, 27, 0)
    assert len(run.scores) == 27  # every candidate once; repeats do not count


def test_it_copes_with_a_search_in_which_everything_fails(name: str) -> None:
    table = hill(decisions=3, options=3)
    nothing = TableSpace(
        [list(d.choices) for d in table.decisions],
        table.truth,
        Fidelity(cost=1.0, rewards=dict.fromkeys(table.full.rewards, ())),
    )
    assert len(play(nothing, name, 20, 0).scores) == 20


def test_a_training_that_diverged_counts_as_failed(name: str) -> None:
    table = hill(decisions=3, options=3)
    rewards = {v: (math.nan,) if v[0] == 2 else rs for v, rs in table.full.rewards.items()}
    broken = TableSpace(
        [list(d.choices) for d in table.decisions], table.truth, Fidelity(cost=1.0, rewards=rewards)
    )
    run = play(broken, name, 27, 0)
    assert len(run.scores) == 27
    assert run.scores[-1] <= max(t for v, t in table.truth.items() if v[0] != 2)


def test_it_learns(name: str) -> None:
    if name == "random":
        assert bench(hill(), name, 50, 10)["mean"]["50"] < 89.5
        return
    ours = fmean(play(hill(), name, 60, seed).scores[-1] for seed in range(10))
    chance = fmean(play(hill(), "random", 60, seed).scores[-1] for seed in range(10))
    assert ours > chance + 0.3
