"""What an engine says of the labels that it doubts, read without torch, and as a table for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUSPECTS = "suspects.csv"
"""Beside the bundle that the command line writes."""
COLUMNS = ("file", "label", "likeliest", "probability", "own", "suspicion", "suspected", "split")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the models of a search say of a picture that they had not learned from.

    Attributes:
        id: of the picture in the manifest.
        split: that it is in; a test picture was judged by the finished model, once the test was opened.
        label: that it was given.
        likeliest: what the models take it for; ``probability`` of that, 0..1.
        own: probability of the label that it was given, 0..1.
        suspicion: how wrong its label looks, 0..1.
        suspected: whether it is among the most suspect, as many as are estimated to be wrong.
    """

    id: int
    split: str
    label: str
    likeliest: str
    probability: float
    own: float
    suspicion: float
    suspected: bool


def read_opinions(path: Path) -> Iterator[Opinion]:
    """The lines of a file that ``doubting.write_opinions`` wrote, the most suspect first.

    Raises:
        ValueError: a line is damaged.
        OSError: the file cannot be read.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield Opinion(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise ValueError(f"Line {number} of {path.name} is damaged: {error}.") from error


def write_suspects(opinions: Path, names: Mapping[int, str], target: Path) -> None:
    """Write a CSV of all pictures, the most suspect first.

    Args:
        opinions: file of the engine.
        names: of the pictures' files as they were given, by id.
        target: file to write.
    """
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for each in read_opinions(opinions):
            probabilities = (each.probability, each.own, each.suspicion)
            suspected = "yes" if each.suspected else "no"
            table.writerow(
                (names[each.id], each.label, each.likeliest, *probabilities, suspected, each.split)
            )
