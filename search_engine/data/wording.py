"""Words of findings."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 5  # words of a list; the others are counted
LONGEST = 60  # characters of a label


def times(count: int) -> str:
    return "twice" if count == 2 else f"{count:,} times"


def counted(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"


def listed(words: Sequence[str]) -> str:
    """One, two and three."""
    more = [f"{len(words) - LISTED:,} more"] if len(words) > LISTED else []
    *first, last = [*words[:LISTED], *more]
    return f"{', '.join(first)} and {last}" if first else last


def short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
