"""``auto``: what it takes depends on how much the budget affords, and it says why."""

from __future__ import annotations

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.strategies import STRATEGIES
from search_engine.strategies.auto import choose, explain
from tests.engine.strategies.toys import ToySpace, play

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=1000,
    epochs=8,
    trial_seconds=5.0,
    prepare_seconds=10.0,
    finish_seconds=20.0,
)


@pytest.mark.parametrize(
    ("budget", "name"),
    [(1, "local"), (11, "local"), (12, "predictor"), (None, "predictor"), (5000, "evolution")],
)
def test_the_budget_decides(budget: int | None, name: str) -> None:
    space = ToySpace()
    assert choose(budget).name == name
    ours, same = STRATEGIES["auto"](space, 3, budget), STRATEGIES[name](space, 3, budget)
    assert play(ours, space, 20) == play(same, space, 20)


def test_it_says_why_in_words() -> None:
    assert "about 7 networks" in explain(7)
    assert "about 80 networks" in explain(80)
    assert "not known" in explain(None)


def test_what_a_plan_affords_counts_slots_and_the_limit_on_trials() -> None:
    config = SearchConfig(budget_seconds=130.0, slots=2)
    assert PLAN.affords(config) == 40
    assert PLAN.affords(SearchConfig(budget_seconds=130.0, slots=2, max_trials=15)) == 15
    assert PLAN.affords(SearchConfig(budget_seconds=10.0)) == 1
