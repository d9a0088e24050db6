"""How sure a controller became."""

from __future__ import annotations

import math
from collections import OrderedDict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_engine.strategies import STRATEGIES, reinforce
from search_engine.strategies.reinforce import _Learner
from search_engine.strategies.sharpening import Moment, entropy, milestones, sharpening
from search_engine.trial import Trial, Vector
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
    last = sharpening(STRATEGIES["reinforce"], SPACE, seed=2, budget=BUDGET, trials=trials, along=ALONG)[-1]
    assert [list(row) for row in last.probabilities] == strategy.probabilities(ALONG)  # type: ignore[attr-defined]


def test_few_trials_give_few_moments() -> None:
    moments = sharpening(STRATEGIES["reinforce"], SPACE, seed=0, budget=BUDGET, trials=(), along=ALONG)
    assert [moment.trials for moment in moments] == [0]


def test_one_more_trial_is_learned_without_learning_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = play(STRATEGIES["random"](SPACE, 3, BUDGET), SPACE, 130)
    trials = [trial for trial in trials if trial.reward is not None][:104]
    learned: list[int] = []
    learn = _Learner.learn

    def note(learner: _Learner, trial: Trial) -> None:
        learned.append(trial.number)
        learn(learner, trial)

    def moments(count: int, along: Vector) -> tuple[Moment, ...]:
        learned.clear()
        return sharpening(
            STRATEGIES["reinforce"], SPACE, seed=3, budget=104, trials=trials[:count], along=along
        )

    monkeypatch.setattr(reinforce, "_warm", OrderedDict())
    monkeypatch.setattr(_Learner, "learn", note)
    assert [moment.trials for moment in moments(99, ALONG)] == [0, 20, 40, 60, 80, 99]
    assert learned == [trial.number for trial in trials[:99]]
    for count in range(100, 105):  # past where the milestones move apart, and along another network each time
        warm = moments(count, trials[count - 1].vector)
        assert learned == [trials[count - 1].number]
    assert [moment.trials for moment in warm] == [0, 40, 80, 104]
    monkeypatch.setattr(reinforce, "_warm", OrderedDict())
    assert moments(104, trials[103].vector) == warm


@given(st.integers(0, 5000))
def test_milestones_are_few_and_a_longer_search_has_no_new_ones_behind_it(trials: int) -> None:
    now, later = milestones(trials), milestones(trials + 1)
    assert len(now) <= 5
    assert set(later) <= {*now, trials + 1}


def test_strategy_without_a_controller_has_none() -> None:
    assert sharpening(STRATEGIES["evolution"], SPACE, seed=0, budget=9, trials=(), along=ALONG) == ()


def test_entropy_is_that_of_shannon() -> None:
    assert entropy((0.25,) * 4) == pytest.approx(math.log(4))
    assert entropy((1.0, 0.0)) == 0
