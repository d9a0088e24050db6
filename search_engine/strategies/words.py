"""What a strategy is doing now, in words for somebody who knows no machine learning.

From the trials alone, as a strategy is; nothing here decides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search_engine.config import AUTO
from search_engine.space.base import Space
from search_engine.strategies.auto import choose
from search_engine.strategies.base import RECIPE, TYPICAL_BUDGET, reward_of
from search_engine.strategies.enas import ALONE
from search_engine.strategies.evolution import population_of
from search_engine.strategies.phases import best_first, patience, phase_start
from search_engine.strategies.predictor import Predictor
from search_engine.trial import Kind, Trial, TrialState

RECENT = 12
"""Newest networks that show what a controller prefers."""
SETTLED = 0.75
"""Share of them that must agree on a choice."""

ESTIMATE_AFTER = 10
"""Networks from which on ``tpe`` estimates; importing it would import Optuna."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What there is to talk about.

    Attributes:
        finished: networks with a reward, oldest first.
        newest: the network that was proposed last, if any.
        space: searched.
        budget: evaluations afforded in all.
    """

    finished: list[Trial]
    newest: Trial | None
    space: Space
    budget: int

    @property
    def best(self) -> Trial:
        return best_first(self.finished, 1)[0]

    def begins_anew(self, least: int) -> bool:
        """Whether it lately gave up on what it had, because nothing got better."""
        start = phase_start(self.finished, patience(self.space, least))
        return bool(start) and len(self.finished) - (start or 0) < least


def explain(strategy_name: str, trials: Sequence[Trial], space: Space, budget: int | None) -> str:
    """One or two plain sentences about what the strategy is doing now.

    Args:
        strategy_name: of the registry; an unknown one gets a sentence that is true of all.
        trials: all of the search so far, in any order.
        space: that is searched.
        budget: evaluations that the search affords in all; None if nobody can tell.
    """
    if strategy_name == AUTO:
        choice = choose(budget)
        return f"{choice.reason} {explain(choice.name, trials, space, budget)}"
    networks = sorted((t for t in trials if t.kind is Kind.NETWORK), key=lambda trial: trial.number)
    finished = [t for t in networks if t.state is TrialState.FINISHED and t.reward is not None]
    scene = _Scene(finished, networks[-1] if networks else None, space, budget or TYPICAL_BUDGET)
    if not finished:
        return "Trying the first networks, to have something to compare."
    return WORDS.get(strategy_name, _any)(scene)


def _random(scene: _Scene) -> str:
    return (
        f"Drawing networks by chance, whatever the {_networks(len(scene.finished))} before reached. "
        f"The best so far is network {scene.best.number}."
    )


def _local(scene: _Scene) -> str:
    parent = _parent(scene)
    if parent is None:
        return _warming_up(scene)
    return (
        f"Changing one thing at a time in network {parent.number}, and moving on to the first change that "
        f"makes it better. {_standing(scene, parent)}"
    )


def _evolution(scene: _Scene) -> str:
    if scene.begins_anew(8):
        return "Nothing got better for a while, so it begins anew with networks drawn by chance."
    parent = _parent(scene)
    if parent is None:
        return _warming_up(scene)
    alive = min(len(scene.finished), population_of(scene.budget))
    return (
        f"Varying network {parent.number}, the best of a few picked from the {_networks(alive)} that are "
        f"kept; the oldest makes room for each new one. {_standing(scene, parent)}"
    )


def _predictor(scene: _Scene) -> str:
    if len(scene.finished) < Predictor.FIRST:
        return (
            f"Trying the first {Predictor.FIRST} networks by chance; from them it learns to predict how good "
            "others will be."
        )
    if scene.begins_anew(Predictor.FIRST):
        return "Its predictions led to nothing better for a while, so it looks for another starting point."
    parent = _parent(scene)
    near = f"close to network {parent.number}" if parent else "far from all that it tried"
    return (
        f"Predicting from the {_networks(len(scene.finished))} so far how good untried ones will be, and "
        f"training the most promising: the newest lies {near}. The best is network {scene.best.number}."
    )


def _reinforce(scene: _Scene) -> str:
    newest = [trial for trial in scene.finished if trial.parent is None][-RECENT:]
    decisions = [i for i, decision in enumerate(scene.space.decisions) if len(decision.choices) > 1]
    if len(newest) < RECENT:
        return (
            "A controller proposes networks, and learns from each result which building blocks pay off. It "
            "has seen too few to prefer any."
        )
    settled = sum(_share(newest, i) >= SETTLED for i in decisions)
    if settled == 0:
        sure = "It has no clear preferences yet"
    elif settled == len(decisions):
        sure = f"It has made up its mind on all {settled} decisions"
    else:
        sure = f"It has made up its mind on {settled} of {len(decisions)} decisions"
    return (
        f"A controller proposes networks, and learns from each result which building blocks pay off. {sure}, "
        f"to judge by its last {RECENT} networks."
    )


def _enas(scene: _Scene) -> str:
    if len(scene.finished) < ALONE:
        return "Training alone, one by one, the networks that did best while all shared one set of weights."
    return _reinforce(scene)


def _tpe(scene: _Scene) -> str:
    if len(scene.finished) < ESTIMATE_AFTER:
        return _warming_up(scene)
    names = [decision.name.startswith(RECIPE) for decision in scene.space.decisions]
    parent = _parent(scene)
    if parent is not None and any(names) and not all(names):
        return (
            f"Keeping what network {parent.number} is made of and adjusting how it is trained (learning rate "
            f"and the like), towards values that good results have in common. {_standing(scene, parent)}"
        )
    return (
        "Combining choices that the best networks have in common and the others lack. "
        f"The best so far is network {scene.best.number}."
    )


def _any(scene: _Scene) -> str:
    return f"Choosing the next network from what the {_networks(len(scene.finished))} before reached."


WORDS: dict[str, Callable[[_Scene], str]] = {
    "random": _random,
    "local": _local,
    "evolution": _evolution,
    "predictor": _predictor,
    "reinforce": _reinforce,
    "enas": _enas,
    "tpe": _tpe,
}
"""By the name of the strategy."""


def _warming_up(scene: _Scene) -> str:
    return (
        "Trying a few networks by chance, to begin with the best of them. "
        f"So far that is network {scene.best.number}."
    )


def _parent(scene: _Scene) -> Trial | None:
    """What the newest network is a variation of."""
    number = scene.newest.parent if scene.newest else None
    return next((trial for trial in scene.finished if trial.number == number), None)


def _standing(scene: _Scene, trial: Trial) -> str:
    if reward_of(trial) >= reward_of(scene.best):
        return "It is the best so far."
    return f"The best so far is network {scene.best.number}."


def _networks(count: int) -> str:
    return f"{count} network{'' if count == 1 else 's'}"


def _share(trials: Sequence[Trial], decision: int) -> float:
    """Of the commonest choice."""
    return Counter(trial.vector[decision] for trial in trials).most_common(1)[0][1] / len(trials)
