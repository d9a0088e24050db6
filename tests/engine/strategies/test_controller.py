"""The controller's own backward pass against finite differences, and that it learns."""

from __future__ import annotations

import random
from collections import OrderedDict

import numpy as np
import pytest

from search_engine.strategies import reinforce
from search_engine.strategies.controller import Controller
from search_engine.strategies.reinforce import Reinforce, _Learner
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState
from tests.engine.strategies.toys import ToySpace, play, reward

SIZES = (3, 2, 4)


def controller(seed: int = 0) -> Controller:
    made = Controller(SIZES, 5, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    made._flat += rng.normal(0, 0.3, made._flat.shape)  # a uniform policy has no gradient through the LSTM
    return made


def objective(made: Controller, vectors: np.ndarray, weights: np.ndarray, entropy: float) -> float:
    p = made.probabilities(vectors)
    taken = np.take_along_axis(p, vectors[:, :, None], axis=2)[:, :, 0]
    entropies = -(p * np.log(np.maximum(p, 1e-12))).sum(axis=(1, 2))
    return float((weights * np.log(taken).sum(axis=1)).sum() + entropy * entropies.mean())


def test_the_gradient_is_that_of_the_objective() -> None:
    made = controller()
    vectors = np.array([[0, 1, 3], [2, 0, 1], [1, 1, 0]])
    weights = np.array([1.0, -0.5, 0.3])
    gradient = made.gradient(vectors, weights, 0.1)
    assert np.count_nonzero(gradient) > len(gradient) / 3
    for index in np.random.default_rng(2).choice(len(gradient), 60, replace=False):
        values = []
        for step in (1e-5, -1e-5):
            made._flat[index] += step
            values.append(objective(made, vectors, weights, 0.1))
            made._flat[index] -= step
        assert gradient[index] == pytest.approx(-(values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-7)


def test_the_first_policy_is_uniform_and_never_leaves_the_choices() -> None:
    made = Controller(SIZES, 5, np.random.default_rng(0))
    drawn = made.sample(np.random.default_rng(1).random((500, 3)))
    for place, size in enumerate(SIZES):
        assert set(drawn[:, place]) == set(range(size))
    for row, size in zip(made.probabilities(drawn[:1])[0], SIZES, strict=True):
        assert row[:size] == pytest.approx(1 / size)
        assert row[size:] == pytest.approx(0)


def test_it_solves_three_decisions_within_200_samples() -> None:
    made = Controller((5, 5, 5), 8, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for _ in range(200):
        drawn = made.sample(rng.random((1, 3)))
        reward = (drawn == [[1, 4, 2]]).sum() - 1.0
        made.update(drawn, np.array([reward]), entropy=0.01, rate=0.1)
    assert made.probabilities(np.array([[1, 4, 2]]))[0, [0, 1, 2], [1, 4, 2]].min() > 0.5


def test_it_learns_which_choices_go_together() -> None:
    made = Controller((2, 2), 8, np.random.default_rng(0))
    every = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for _ in range(400):
        made.update(every, np.array([1.0, -1.0, -1.0, 1.0]) / 4, entropy=0.0, rate=0.5)
    p = made.probabilities(every)
    assert p[0, 1, 0] > 0.8  # after 0 comes 0
    assert p[2, 1, 1] > 0.8  # after 1 comes 1


def test_the_probabilities_sharpen_while_it_searches() -> None:
    space = ToySpace()
    strategy = Reinforce(space, 0, 150)
    history = play(strategy, space, 150)
    fresh, taught = Reinforce(space, 1), Reinforce(space, 0, 150)
    taught.update(history, [])
    best = max(history, key=lambda trial: trial.reward or 0.0).vector
    before, after = fresh.probabilities(best), taught.probabilities(best)
    assert [len(row) for row in after] == [6] * 9
    entropy = [
        sum(-float(np.sum(np.array(r) * np.log(np.array(r) + 1e-12))) for r in p) for p in (before, after)
    ]
    assert entropy[1] < 0.8 * entropy[0]


def test_a_trial_that_ends_late_is_learned_without_learning_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = ToySpace()
    rng = random.Random(4)
    vectors = [space.sample(rng) for _ in range(40)]
    trials = [
        Trial(n, Kind.NETWORK, Origin.STRATEGY, TrialState.FINISHED, v, space.key(v), None, reward(v), 1.0)
        for n, v in enumerate(vectors)
    ]
    # The last but one was still running when the last had ended.
    suggest(space, [*trials[:-2], trials[-1]])
    learned: list[int] = []
    learn = _Learner.learn

    def note(learner: _Learner, trial: Trial) -> None:
        learned.append(trial.number)
        learn(learner, trial)

    monkeypatch.setattr(_Learner, "learn", note)
    warm = suggest(space, trials)
    assert learned == [38, 39]
    monkeypatch.setattr(reinforce, "_warm", OrderedDict())
    assert suggest(space, trials) == warm


def suggest(space: ToySpace, trials: list[Trial]) -> Proposal:
    strategy = Reinforce(space, seed=77, budget=60)
    strategy.update(trials, [])
    return strategy.suggest(1)[0]
