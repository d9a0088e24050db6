"""Whether a change of all pictures, such as mirroring, leaves their labels alone: the verdict as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

CERTAIN = 3.0
"""Standard errors (McNemar's) by which changed pictures must be harder for the change to be ruled out. Three
changes are tried, and with two errors mirrored photographs of rubbish were ruled out by chance."""
MIRROR = "mirror"
NAMES = {MIRROR: "mirrored", "upside_down": "upside down", "quarter_turn": "turned by a quarter"}
"""The changes that are tried, and how a picture is then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance:
    """One classifier on the same pictures, as they are and changed; it learned from others, unchanged.

    Attributes:
        pictures: that were tried.
        before, after: of these it is right on, as they are and changed.
        errors: by how many standard errors more were lost than won.
    """

    pictures: int
    before: int
    after: int
    errors: float

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the change."""
        return self.errors <= CERTAIN

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


def mirror_holds(invariances: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether networks may be shown mirrored pictures; they may where nobody has tried."""
    return MIRROR not in invariances or Invariance.from_dict(invariances[MIRROR]).holds


def sentences(invariances: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What was found, for people; empty where nobody has tried."""
    found = {name: Invariance.from_dict(invariances[name]) for name in NAMES if name in invariances}
    said = []
    for name, each in found.items():
        verdict = "keep their labels" if each.holds else "do not keep their labels"
        ending = ""
        if name == MIRROR and not each.holds:
            ending = " So networks do not learn from mirrored pictures."
        said.append(
            f"Pictures that are {NAMES[name]} {verdict} here: a quick test is right on {each.before} of "
            f"{each.pictures} pictures as they are and on {each.after} {NAMES[name]}.{ending}"
        )
    return said
