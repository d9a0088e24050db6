"""TPE: it moves the recipe and keeps the network, and it knows that amounts lie on a line."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from statistics import fmean

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_engine.space.architecture import Trunk
from search_engine.space.base import Decision, VectorSpace
from search_engine.space.hybrid import HybridSpace
from search_engine.strategies.base import RECIPE
from search_engine.strategies.random import RandomSearch
from search_engine.strategies.tpe import Tpe, _Amount
from search_engine.trial import Proposal, Trial, TrialState, Vector
from tests.engine.strategies.toys import play, trial

RATES = tuple(10 ** (-5 + i / 8) for i in range(33))


class RecipeSpace(VectorSpace):
    """One decision about the network, and two amounts of which there are many."""

    decisions: tuple[Decision, ...] = (
        Decision("operation", ("none", "conv", "pool")),
        Decision("recipe.learning_rate", RATES),
        Decision("recipe.weight_decay", tuple(i / 40 for i in range(41))),
    )

    def key(self, vector: Vector) -> str:
        return ",".join(map(str, vector))


def quality(vector: Vector) -> float:
    """Best at a rate of 0.001 and a decay of 0.3."""
    off = abs(math.log10(RATES[vector[1]]) + 3) + abs(vector[2] / 40 - 0.3)
    return 1.0 - off / 5 + 0.05 * vector[0]


def search(strategy: Tpe | RandomSearch, count: int) -> list[Trial]:
    space, done = RecipeSpace(), list[Trial]()
    for number in range(count):
        (proposal,) = strategy.suggest(1)
        ended = replace(trial(number, proposal, space.key(proposal.vector)), reward=quality(proposal.vector))
        done.append(ended)
        strategy.update([ended], [])
    return done


def test_most_proposals_keep_a_good_network_and_change_only_its_recipe() -> None:
    space = HybridSpace(Trunk("efficientnet_lite0", 128))
    history = play(Tpe(space, 0, 60), space, 60)
    names = [decision.name for decision in space.decisions]
    descended = [each for each in history if each.parent is not None]
    changed = [
        {
            name
            for name, a, b in zip(names, each.vector, history[each.parent or 0].vector, strict=True)
            if a != b
        }
        for each in descended
    ]
    of_recipe = [names for names in changed if all(name.startswith(RECIPE) for name in names)]
    assert len(descended) > 40
    assert len(descended) > len(of_recipe) > len(descended) / 2


def test_it_finds_an_amount_sooner_than_chance() -> None:
    ours = fmean(max(t.reward or 0 for t in search(Tpe(RecipeSpace(), seed, 40), 40)) for seed in range(8))
    chance = fmean(
        max(t.reward or 0 for t in search(RandomSearch(RecipeSpace(), seed, 40), 40)) for seed in range(8)
    )
    assert ours > chance + 0.02


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ((0.0005, 0.001, 0.01), FloatDistribution(0.0005, 0.01, log=True)),
        ((32, 64, 128), FloatDistribution(32, 128)),
        ((0.0, 0.2, 0.5), FloatDistribution(0.0, 0.5)),
        ((0, 1, 2), CategoricalDistribution(range(3))),
        ((False, True), CategoricalDistribution(range(2))),
        (("a", "b", "c"), CategoricalDistribution(range(3))),
    ],
)
def test_amounts_are_told_from_names(choices: tuple[object, ...], expected: object) -> None:
    class One(RecipeSpace):
        decisions: tuple[Decision, ...] = (Decision("one", choices),)

    assert Tpe(One(), 0)._distributions == {"0": expected}


def test_between_two_choices_of_a_logarithmic_amount_the_ratio_decides() -> None:
    rate = _Amount(Decision("rate", (0.001, 0.01, 0.1)))
    assert [rate.nearest(value) for value in (0.002, 0.004, 0.02, 0.04)] == [0, 1, 1, 2]


def test_optuna_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    strategy = Tpe(RecipeSpace(), 0, 40)
    strategy.update(search(Tpe(RecipeSpace(), 0, 40), 20), [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(strategy.suggest(3)) == 3
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.ERROR


def test_what_is_under_way_is_not_proposed_again() -> None:
    history = search(Tpe(RecipeSpace(), 0, 40), 20)
    strategy = Tpe(RecipeSpace(), 0, 40)
    strategy.update(history, [])
    alone = strategy.suggest(1)[0]
    running = trial(20, Proposal(alone.vector), RecipeSpace().key(alone.vector), TrialState.RUNNING)
    strategy.update([], [running])
    assert strategy.suggest(1)[0].vector != alone.vector
