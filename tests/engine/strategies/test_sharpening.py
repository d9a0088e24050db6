"""How sure a controller became."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from search_engine.strategies import STRATEGIES
from search_engine.strategies.sharpening import entropy, sharpening
from tests.engine.strategies.toys import TARGET, ToySpace, play

BUDGET = 40
SPACE = ToySpace()
ALONG = (*TARGET, 0)


def test_controller_begins_undecided_and_grows_sure() -> None:
    trials = play(STRATEGIES["reinforce"](SPACE, 1, BUDGET), SPACE, BUDGET)
    moments = sharpening(STRATEGIES["reinforce"], SPACE, seed=1, budget=BUDGET, trials=trials, along=ALONG)
    assert [moment.trials for moment in moments] == [0, 10, 20, 30, 40]
    assert moments[0].torn_between == pytest.approx(6)
    torn = [moment.torn_between for moment in moments]
    assert all(later < 1.01 * sooner for sooner, later in pairwise(torn))
    assert torn[-1] < torn[len(torn) // 2] < torn[0]
    assert torn[-1] < 5
    for moment in moments:
        assert [len(row) for row in moment.probabilities] == [6] * 9
        assert all(sum(row) == pytest.approx(1) for row in moment.probabilities)


def test_replay_says_what_the_search_itself_would() -> None:
    strategy = STRATEGIES["reinforce"](SPACE, 2, BUDGET)
    trials = play(strategy, SPACE, 12)
    last = sharpening(
        STRATEGIES["reinforce"], SPACE, seed=2, budget=BUDGET, trials=trials, along=ALONG, shares=(1.0,)
    )[-1]
    assert [list(row) for row in last.probabilities] == strategy.probabilities(ALONG)  # type: ignore[attr-defined]


def test_few_trials_give_few_moments() -> None:
    moments = sharpening(STRATEGIES["reinforce"], SPACE, seed=0, budget=BUDGET, trials=(), along=ALONG)
    assert [moment.trials for moment in moments] == [0]


def test_strategy_without_a_controller_has_none() -> None:
    assert sharpening(STRATEGIES["evolution"], SPACE, seed=0, budget=9, trials=(), along=ALONG) == ()


def test_entropy_is_that_of_shannon() -> None:
    assert entropy((0.25,) * 4) == pytest.approx(math.log(4))
    assert entropy((1.0, 0.0)) == 0
