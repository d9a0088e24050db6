"""What a search was worth: its best network against chance, plain transfer learning and plain fine-tuning.

All are compared on the validation pictures, by which the networks were chosen, and that flatters the
chosen ones a little; how good the winner is, only the sealed test says. What is compared is what the search
maximised: accuracy, or accuracy times a power of the latency. An interval covers the luck of which
pictures were asked, not of which networks were drawn, and that is large where they are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from search_engine.evaluate.bootstrap import paired_difference, unpack_bits
from search_engine.trial import Kind, Origin


class Question(StrEnum):
    """What is compared with what."""

    FAIR = "fair"
    """The best of the search's first n networks with the best of the n random ones."""
    ALL = "all"
    """The best of all the search's networks with the best of the random ones, which had fewer tries."""
    PROBE = "probe"
    """The best of all networks of both arms with plain transfer learning."""
    TUNED = "tuned"
    """The same with plain fine-tuning, where there was time for that."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A trained trial.

    Attributes:
        number: position in the search.
        kind, origin: as in ``search_engine.trial``.
        accuracy: on the validation split, 0..1.
        right: which validation pictures it is right on, as ``bootstrap.pack_bits`` writes it; may be empty.
        factor: what the objective of the search multiplies the accuracy by: ``objective.factor_of``.
    """

    number: int
    kind: Kind
    origin: Origin
    accuracy: float
    right: str = ""
    factor: float = 1.0

    @property
    def reward(self) -> float:
        """What it earned in the search."""
        return self.accuracy * self.factor


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer.

    Attributes:
        question: what is compared.
        first, second: numbers of the two trials.
        first_tries, second_tries: networks of which either is the best.
        difference: of what the two earned, first minus second: of the accuracies, -1..1, unless the search
            had another objective.
        low, high: its 95 % interval by paired bootstrap; None where it is not known which pictures each is
            right on.
        pictures: on how many it was measured; 0 where that is not known.
    """

    question: Question
    first: int
    second: int
    first_tries: int
    second_tries: int
    difference: float
    low: float | None = None
    high: float | None = None
    pictures: int = 0

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval holds 0, or is not known."""
        return self.low is None or self.high is None or self.low <= 0.0 <= self.high

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the command line."""
        return asdict(self) | {"may_be_chance": self.may_be_chance}


def worth(trials: Sequence[Scored], seed: int) -> tuple[Comparison, ...]:
    """Answers to those questions that the trials can answer.

    Args:
        trials: all that were trained, in the order in which they were tried.
        seed: of the search; the same seed gives the same intervals.
    """
    networks = [trial for trial in trials if trial.kind is Kind.NETWORK]
    random = [trial for trial in networks if trial.origin is Origin.RANDOM]
    search = [trial for trial in networks if trial.origin is not Origin.RANDOM]
    probes, tuned = ([t for t in trials if t.kind is kind] for kind in (Kind.LINEAR_PROBE, Kind.FINE_TUNE))
    fair = min(len(search), len(random))
    pairs = (
        (Question.FAIR, search[:fair], random[:fair]),
        (Question.ALL, search if len(search) != len(random) else [], random),  # else asked already
        (Question.PROBE, networks, probes),
        (Question.TUNED, networks, tuned),
    )
    return tuple(compare(q, ours, theirs, seed) for q, ours, theirs in pairs if ours and theirs)


def compare(question: Question, first: Sequence[Scored], second: Sequence[Scored], seed: int) -> Comparison:
    """The best of either side, one against the other."""
    ours, theirs = _best(first), _best(second)
    difference, low, high = ours.reward - theirs.reward, None, None
    pictures = 0
    if ours.right and theirs.right:
        a, b = unpack_bits(ours.right), unpack_bits(theirs.right)
        if a.shape == b.shape and len(a):
            pictures = len(a)
            difference, low, high = paired_difference(a, b, seed, (ours.factor, theirs.factor))
    return Comparison(
        question, ours.number, theirs.number, len(first), len(second), difference, low, high, pictures
    )


def _best(trials: Sequence[Scored]) -> Scored:
    """The one that earned most; the earliest of equals, as everywhere."""
    return min(trials, key=lambda trial: (-trial.reward, trial.number))
