"""Augmentation policies as plain data: sub-policies of two operations, as in AutoAugment (Cubuk et al. 2019).

A policy is written as text, so that a recipe that holds one hashes and travels as JSON like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from search_engine.errors import SpaceError
from search_engine.space.base import Decision, VectorSpace
from search_engine.trial import Vector

GEOMETRIC: tuple[str, ...] = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
"""Operations that move the picture's points; all others change its colours."""
CHANGES: tuple[str, ...] = (
    "identity",
    *GEOMETRIC,
    "brightness",
    "colour",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
    "invert",
)
"""AutoAugment's, but for sample pairing and cutout: ``Recipe.mixup`` and ``Recipe.erase`` stand for these."""
TRIVIAL: tuple[str, ...] = CHANGES[:-1]
"""Those of TrivialAugment (Müller and Hutter 2021)."""
PROBABILITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
MAGNITUDES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""AutoAugment has eleven probabilities and ten magnitudes; a few hundred looks cannot tell these apart."""
STRENGTHLESS = frozenset({"identity", "autocontrast", "equalize", "invert"})
"""Operations that have no magnitude."""


@dataclass(frozen=True, slots=True)
class Use:
    """One operation of a sub-policy.

    Attributes:
        operation: a name in ``CHANGES``.
        probability: that a picture undergoes it, 0..1.
        magnitude: how far it goes, 0..1; to which side is drawn for each picture.
    """

    operation: str
    probability: float
    magnitude: float


SubPolicy = tuple[Use, Use]
Policy = tuple[SubPolicy, ...]
"""Each picture undergoes one of the sub-policies, drawn anew each time."""


def write_policy(policy: Policy) -> str:
    """E.g. ``rotate 0.6 0.3 + invert 0.2 0; ...``, as ``read_policy`` reads it."""
    return "; ".join(
        " + ".join(f"{use.operation} {use.probability:g} {use.magnitude:g}" for use in pair)
        for pair in policy
    )


def read_policy(text: str) -> Policy:
    """The policy in a text.

    Raises:
        SpaceError: the text is not a policy, or names an operation that there is not.
    """
    try:
        pairs = [tuple(_read_use(part) for part in pair.split(" + ")) for pair in text.split("; ")]
        return tuple((first, second) for first, second in pairs)
    except ValueError as error:
        raise SpaceError(f"not a policy of augmentation: {text!r} ({error})") from error


def _read_use(text: str) -> Use:
    operation, probability, magnitude = text.split()
    if operation not in CHANGES:
        raise ValueError(f"there is no operation {operation!r}")
    use = Use(operation, float(probability), float(magnitude))
    if not (0.0 <= use.probability <= 1.0 and 0.0 <= use.magnitude <= 1.0):
        raise ValueError(f"probability and magnitude of {operation} must be 0 to 1")
    return use


class PolicySpace(VectorSpace):
    """Sub-policies as vectors: what the same strategies search that search networks."""

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(
            decision
            for place in ("first", "second")
            for decision in (
                Decision(f"{place}.operation", CHANGES),
                Decision(f"{place}.probability", PROBABILITIES),
                Decision(f"{place}.magnitude", MAGNITUDES),
            )
        )

    @property
    def starts(self) -> tuple[Vector, ...]:
        """None: the strategies begin at random."""
        return ()

    def key(self, vector: Vector) -> str:
        """The same for vectors that differ only in what cannot matter."""
        return write_policy((self.pair(vector),))

    def pair(self, vector: Vector) -> SubPolicy:
        """The sub-policy of a vector; what cannot matter is 0.

        Raises:
            SpaceError: the vector is not of this space.
        """
        self.check(vector)
        values = [d.choices[i] for d, i in zip(self.decisions, vector, strict=True)]
        return _use(*values[:3]), _use(*values[3:])


def _use(operation: str, probability: float, magnitude: float) -> Use:
    if operation == "identity":
        return Use(operation, 0.0, 0.0)
    return Use(operation, probability, 0.0 if operation in STRENGTHLESS else magnitude)
