"""What a list says: one row a picture, whatever the format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from search_engine.data.manifest import TEST, TRAIN, VALIDATION
from search_engine.data.names import CONTROL

# Vertex AI's words for ML_USE, and those of everybody else.
SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validate": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
UNASSIGNED = {"", "unassigned", "none", "null", "default"}
MAX_SHOWN = 60


class RowError(ValueError):
    """What is wrong with one row, as a sentence for the person who made the list."""


class ListError(ValueError):
    """The list as a whole cannot be read; a sentence that says why, without the list's name."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a list says of one picture.

    Attributes:
        where: ``row 7``, or what the format calls it; counted from 1, as spreadsheets and editors do.
        path: of the picture, as the list writes it.
        labels: in Unicode's composed form, without doubles; empty for a picture without labels.
        split: ``train``, ``validation``, ``test``, or None.
    """

    where: str
    path: str
    labels: tuple[str, ...]
    split: str | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    where: str
    reason: str


@dataclass(slots=True)
class Listing:
    """The rows of a list.

    Attributes:
        certain: whether the format itself says that it is a list of labels; if not, only the pictures that it
            names can show that.
        rows: in the order of the list.
    """

    certain: bool
    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    def add(self, where: str, path: object, labels: Iterable[object], split: object = None) -> None:
        """Check a row and take it, or note what is wrong with it."""
        try:
            if not isinstance(path, str) or not path.strip():
                raise RowError("It names no picture. Write the name of the file.")
            self.rows.append(Row(where, path.strip(), clean_labels(labels), split_of(split)))
        except RowError as error:
            self.lost(where, str(error))

    def lost(self, where: str, reason: str) -> None:
        """Note a row that cannot be used."""
        self.bad.append(BadRow(where, reason))


def clean_labels(labels: Iterable[object]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for label in labels:
        if label is None or label == "":
            continue
        if not isinstance(label, str | int | float):
            raise RowError(f"Its label is not a text: {shown(label)}.")
        text = " ".join(unicodedata.normalize("NFC", str(label)).split())
        if CONTROL.search(text):
            raise RowError("Its label has characters that cannot be shown. Rename the label.")
        if text:
            found[text] = None
    return tuple(found)


def split_of(value: object) -> str | None:
    """The split that a word stands for, in any case; None for unassigned."""
    word = str(value if value is not None else "").strip().lower()
    if word in UNASSIGNED:
        return None
    if word not in SPLIT_WORDS:
        raise RowError(f"“{shown(value)}” is no split. Write TRAIN, VALIDATION, TEST or UNASSIGNED.")
    return SPLIT_WORDS[word]


def split_in_name(stem: str) -> str | None:
    """The split that a list's own name says, as in ``instances_val.json``."""
    words = {SPLIT_WORDS[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in SPLIT_WORDS}
    return words.pop() if len(words) == 1 else None


def shown(value: object) -> str:
    """A value of a list, for a sentence."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value)[: MAX_SHOWN + 1])
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
