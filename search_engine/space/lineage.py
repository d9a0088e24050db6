"""How a network came about: its chain of parents, what was changed at each step, and what that gained."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search_engine.space.base import Space
from search_engine.space.words import in_words
from search_engine.trial import Kind, Origin, Trial, Vector

NOISE = 2.0
"""Standard errors below which a difference may be chance."""

FROM_STRATEGY = {
    "reinforce": "Proposed by the controller, decision by decision.",
    "enas": "Proposed by the controller, decision by decision.",
    "local": "A new start: drawn at random, or a few decisions away from the best so far.",
    "predictor": "Drawn at random, or foreseen to be good by the model that learns from all before it.",
    "random": "Drawn at random.",
}
"""What it means that a strategy named no parent."""

ErrorOf = Callable[[Trial, Trial], float | None]
"""The standard error of the difference of a child's and its parent's reward; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Change:
    """One decision that a child makes differently.

    Attributes:
        name: of the decision, in words.
        before, after: the parent's choice and the child's, in words.
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One generation.

    Attributes:
        trial: the network.
        changes: against its parent; empty for the first ancestor. Usually one.
        promoted: whether it is its parent's network again, trained for longer.
        gain: its reward minus its parent's; None for the first, and where either has none or was trained for
            less than the other.
        error: standard error of the gain; None where it is not known.
    """

    trial: Trial
    changes: tuple[Change, ...] = ()
    promoted: bool = False
    gain: float | None = None
    error: float | None = None

    @property
    def is_noise(self) -> bool:
        """Whether the gain is known to be too small to mean anything."""
        return self.gain is not None and self.error is not None and abs(self.gain) < NOISE * self.error

    @property
    def verdict(self) -> str:
        """The gain in words, e.g. "+1.2 of 100, within the noise"; empty where there is none."""
        if self.gain is None:
            return ""
        text = f"{self.gain * 100:+.1f} of 100".replace("-", "−")
        if text[1:].startswith("0.0 "):
            text = "no difference"
        if self.is_noise and text != "no difference":
            text += ", within the noise"
        return f"{text}; its training was ended early" if self.trial.killed else text


def ancestors(number: int, trials: Sequence[Trial]) -> list[Trial]:
    """The trial's chain of parents, the first of them first, the trial itself last.

    Raises:
        KeyError: there is no trial of that number.
    """
    by_number = {trial.number: trial for trial in trials}
    chain = [by_number[number]]
    while (parent := _parent(chain[-1], by_number)) is not None:
        chain.append(parent)
    return chain[::-1]


def lineage(number: int, trials: Sequence[Trial], space: Space, error_of: ErrorOf) -> tuple[Step, ...]:
    """The trial's ``ancestors``, each with what it changed and what that gained.

    Args:
        number: of the trial.
        trials: of the search, in any order; those that are missing end the chain.
        space: that they are from.
        error_of: asked for each child and its parent.

    Raises:
        KeyError: there is no trial of that number.
    """
    chain = ancestors(number, trials)
    steps = [Step(chain[0])]
    for before, after in itertools.pairwise(chain):
        promoted = after.vector == before.vector
        gain = error = None
        if after.reward is not None and before.reward is not None and (promoted or after.rung == before.rung):
            gain, error = after.reward - before.reward, error_of(after, before)
        steps.append(Step(after, changes(before.vector, after.vector, space), promoted, gain, error))
    return tuple(steps)


def changes(before: Vector, after: Vector, space: Space) -> tuple[Change, ...]:
    """What the second vector decides differently, without what makes no difference to the network.

    A decision makes none if the network stays the same when that decision alone is taken back: the operation
    of a node that nothing reads, say.
    """
    if len(before) != len(after) or len(after) != len(space.decisions):
        return ()
    places = [i for i, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    telling = [i for i in places if _matters(i, before, after, space)] if len(places) > 1 else places
    found = []
    for i in telling or places:
        words = in_words(space.decisions[i])
        found.append(Change(words.title, words.choices[before[i]], words.choices[after[i]]))
    return tuple(found)


def where_from(trial: Trial, space: Space, strategy: str, *, adopted: str = "") -> str:
    """Where a network that has no parent comes from, as a sentence.

    Args:
        trial: of the search.
        space: that it is from.
        strategy: name of the one that was asked, ``auto`` resolved.
        adopted: key of the network that the search was told to begin with, if any.
    """
    if trial.kind is not Kind.NETWORK:
        return "A control: what every network has to beat."
    if trial.origin is Origin.RANDOM:
        return "Drawn at random, to show what the search is worth."
    if trial.key and trial.key == adopted:
        return "The network that this search was told to begin with."
    if trial.key and trial.key in {space.key(start) for start in space.starts}:
        return "A starting design that people drew, tried before anything was known."
    return FROM_STRATEGY.get(strategy, "Drawn at random by the search, to begin from.")


def _parent(trial: Trial, by_number: dict[int, Trial]) -> Trial | None:
    """Parents come before their children; anything else would be no ledger of ours."""
    if trial.parent is None or trial.parent >= trial.number:
        return None
    return by_number.get(trial.parent)


def _matters(place: int, before: Vector, after: Vector, space: Space) -> bool:
    taken_back = (*after[:place], before[place], *after[place + 1 :])
    return not space.is_legal(taken_back) or space.key(taken_back) != space.key(after)
