"""What was learned of augmentation on a data set, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from search_engine.space.architecture import LEARNED
from search_engine.space.policies import STRENGTHLESS, Use, read_policy

WAYS = ("none", "affine", "trivial", LEARNED)
"""The augmentations that are compared, names as in ``Recipe.augment``."""
SEEDS = 2
"""Short trainings with each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A policy that was learned, and what it is worth.

    Attributes:
        policy: as ``write_policy`` writes it.
        accuracies: of short trainings with each of ``WAYS``, by seed, on the validation pictures.
        pictures: of the validation split.
        seconds: that it all took.
    """

    policy: str
    accuracies: Mapping[str, tuple[float, ...]]
    pictures: int
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether it won against every other with every seed."""
        others = (self.accuracies[way] for way in WAYS if way != LEARNED)
        return all(own > max(rivals) for own, *rivals in zip(self.accuracies[LEARNED], *others, strict=True))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        accuracies = {way: tuple(values) for way, values in data["accuracies"].items()}
        return cls(**{**data, "accuracies": accuracies})


def policy_of(lesson: Mapping[str, Any]) -> str:
    """The policy that networks may use; empty if none was learned or it was not worth it."""
    if not lesson:
        return ""
    learned = Lesson.from_dict(lesson)
    return learned.policy if learned.accepted else ""


def sentence(lesson: Mapping[str, Any]) -> str:
    """What was learned and what it is worth, for people; empty if nobody tried."""
    if not lesson:
        return ""
    learned = Lesson.from_dict(lesson)
    figures = {way: " and ".join(f"{value:.1%}" for value in learned.accuracies[way]) for way in WAYS}
    worth = (
        f"two short trainings were right on {figures[LEARNED]} of the validation pictures with them, on "
        f"{figures['trivial']} with TrivialAugment, on {figures['affine']} with a little turning and "
        f"stretching and on {figures['none']} without any"
    )
    if not learned.accepted:
        return f"Random changes of pictures that were learned here are not used: {worth}."
    changes = "; ".join(
        " then ".join(_in_words(use) for use in pair if use.probability)
        for pair in read_policy(learned.policy)
    )
    return f"Random changes of pictures were learned here ({changes}): {worth}."


def _in_words(use: Use) -> str:
    """E.g. "rotate at 30 % strength, in 60 % of cases"."""
    strength = "" if use.operation in STRENGTHLESS else f" at {use.magnitude:.0%} strength"
    return f"{use.operation.replace('_', ' along ')}{strength} in {use.probability:.0%} of cases"
