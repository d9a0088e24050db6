"""Why a file did not become a picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The kinds of reasons, for programs."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NOT_A_PICTURE = "not_a_picture"
    FORMAT = "format"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    NO_LABEL = "no_label"
    NOT_LISTED = "not_listed"
    LISTED_BUT_MISSING = "listed_but_missing"
    BAD_ROW = "bad_row"
    UNSAFE_NAME = "unsafe_name"
    SAME_NAME = "same_name"
    LINK = "link"
    BOMB = "bomb"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that cannot be used; ``reason`` is a sentence that says what is wrong and what to do."""

    name: str
    code: Reason
    reason: str


class RefusedError(Exception):
    """Carries the reason from where it is noticed to where the file's name is known."""

    def __init__(self, code: Reason, reason: str) -> None:
        super().__init__(reason)
        self.code = code
