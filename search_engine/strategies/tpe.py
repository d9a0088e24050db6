"""Tree-structured Parzen estimators (Bergstra et al. 2011) through Optuna's ask and tell.

Made for the recipe: learning rate, weight decay and the like are amounts, and an amount between two good ones
is likely good as well, which no other strategy here knows.
"""

from __future__ import annotations

import math
import random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as State

from search_engine.space.base import Decision, Space
from search_engine.strategies.base import RECIPE, ReplayedStrategy
from search_engine.strategies.phases import best_first
from search_engine.trial import Proposal, Trial, Vector

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Tpe(ReplayedStrategy):
    """Models good and bad trials apart, and proposes what is likely among the good and not among the bad.

    Where a space has a recipe beside its network, the estimator moves the recipe, on one of the best
    networks; now and then one decision about the network is changed instead. Everywhere else (a table, a
    space without a recipe) it moves everything.
    """

    FIRST = 10
    """Random trials before the first estimate; Optuna's default."""
    INCUMBENTS = 3
    """Best trials whose network is kept."""
    MUTATE = 0.25
    """Share of proposals that change the network and keep the recipe."""

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        super().__init__(space, seed, budget)
        recipe = [i for i, decision in enumerate(space.decisions) if decision.name.startswith(RECIPE)]
        self._keeps_network = 0 < len(recipe) < len(space.decisions)
        places = recipe if self._keeps_network else range(len(space.decisions))
        self._amounts = {i: _Amount(space.decisions[i]) for i in places if _is_amount(space.decisions[i])}
        self._labels = {i: len(space.decisions[i].choices) for i in places if i not in self._amounts}
        self._first = min(self.FIRST, max(1, self.budget // 4))
        self._distributions: dict[str, BaseDistribution] = {
            str(i): CategoricalDistribution(range(count)) for i, count in self._labels.items()
        } | {str(i): amount.distribution for i, amount in self._amounts.items()}
        self._study: Study | None = None
        self._told: list[int] = []

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        start = self._new_start(seen)
        if start is not None:
            return Proposal(start)
        if len(self.finished) < self._first:
            return Proposal(self._new_sample(rng, seen))
        incumbent = rng.choice(best_first(self.finished, self.INCUMBENTS))
        if self._keeps_network and rng.random() < self.MUTATE:
            return Proposal(self._new_child(incumbent.vector, rng, seen), incumbent.number)
        vector = self._ask(position, incumbent.vector)
        parent = incumbent.number if self._keeps_network else None
        if self.space.is_legal(vector) and self.space.key(vector) not in seen:
            return Proposal(vector, parent)
        beside = self._beside(vector, rng, seen)
        if beside is not None:
            return Proposal(beside, parent)
        return Proposal(self._new_child(incumbent.vector, rng, seen), incumbent.number)

    def _beside(self, vector: Vector, rng: random.Random, seen: set[str]) -> Vector | None:
        """Something new that differs from a favourite, known or illegal, in one of the modelled decisions."""
        places = [*self._labels, *self._amounts]
        for place in rng.sample(places, len(places)):
            indices = range(len(self.space.decisions[place].choices))
            for index in rng.sample(indices, len(indices)):
                near = (*vector[:place], index, *vector[place + 1 :])
                if self.space.is_legal(near) and self.space.key(near) not in seen:
                    return near
        return None

    def _ask(self, position: int, vector: Vector) -> Vector:
        """The estimator's favourite of 24 draws, put into the vector."""
        study = self._current_study()
        seed = random.Random(f"{self.seed}:tpe:{position}").getrandbits(32)
        study.sampler = _Estimator(self._distributions, seed, has_waiting=bool(self.waiting))
        asked = study.ask(self._distributions)
        study.tell(asked, state=State.FAIL)  # not counted; it is told once somebody has trained it
        moved = list(vector)
        for place in self._labels:
            moved[place] = int(asked.params[str(place)])
        for place, amount in self._amounts.items():
            moved[place] = amount.nearest(asked.params[str(place)])
        return tuple(moved)

    def _current_study(self) -> Study:
        """All that ended, in the order of the numbers, and as running what is under way.

        The study is kept and added to while it only grows at its end and nothing is under way.
        """
        ended = sorted((t for t in (*self.finished, *self.failed) if t.vector), key=lambda t: t.number)
        numbers = [trial.number for trial in ended]
        if self._study is None or self._told != numbers[: len(self._told)]:
            self._study, self._told = optuna.create_study(direction="maximize"), []
        self._study.add_trials(self._frozen(trial) for trial in ended[len(self._told) :])
        self._told = numbers
        if not self.waiting:
            return self._study
        study = optuna.create_study(direction="maximize")
        study.add_trials(self._frozen(trial) for trial in ended)
        study.add_trials(self._as_optuna(vector, None, State.RUNNING) for vector in self.waiting)
        return study

    def _frozen(self, trial: Trial) -> FrozenTrial:
        """One that failed ranks below all others, as if pruned before its first epoch."""
        state = State.PRUNED if trial.reward is None else State.COMPLETE
        return self._as_optuna(trial.vector, trial.reward, state)

    def _as_optuna(self, vector: Vector, reward: float | None, state: State) -> FrozenTrial:
        params, distributions = self._params(vector), self._distributions
        return optuna.trial.create_trial(
            params=params, distributions=distributions, value=reward, state=state
        )

    def _params(self, vector: Vector) -> dict[str, Any]:
        labels = {str(place): vector[place] for place in self._labels}
        return labels | {str(i): amount.values[vector[i]] for i, amount in self._amounts.items()}


class _Estimator(TPESampler):
    """Knows its space, which Optuna otherwise works out anew from all trials, in four fifths of the time."""

    def __init__(self, space: dict[str, BaseDistribution], seed: int, *, has_waiting: bool) -> None:
        super().__init__(multivariate=True, n_startup_trials=0, seed=seed, constant_liar=has_waiting)
        self._known_space = {name: each for name, each in sorted(space.items()) if not each.single()}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """See ``BaseSampler``."""
        return self._known_space


class _Amount:
    """A decision whose choices are points on a line.

    Attributes:
        values: of the choices.
        is_log: whether ratios count and not differences.
        distribution: Optuna's, over the line.
    """

    def __init__(self, decision: Decision) -> None:
        self.values = [float(choice) for choice in decision.choices]
        low, high = min(self.values), max(self.values)
        self.is_log = 0 < low <= high / 10
        self.distribution = FloatDistribution(low, high, log=self.is_log)

    def nearest(self, value: float) -> int:
        """Index of the choice next to a value."""
        scale = math.log if self.is_log else float
        return min(range(len(self.values)), key=lambda i: abs(scale(self.values[i]) - scale(value)))


def _is_amount(decision: Decision) -> bool:
    """Whether choices are more than two numbers; whole ones from 0 on are names (an input) or flags."""
    choices = decision.choices
    if len(set(choices)) < 3 or not all(type(choice) in {int, float} for choice in choices):
        return False
    return tuple(choices) != tuple(range(len(choices))) and all(map(math.isfinite, choices))
