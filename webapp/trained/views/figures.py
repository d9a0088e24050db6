"""Figures of a model's card, made ready for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.trained.models import TrainedModel

CONTENTS = {
    "model.onnx": "The network. Takes decoded pixels of any size; resizing and scaling are inside.",
    "labels.json": "The labels, in the order of its answers.",
    "model.json": "All figures of this page, the genome, and the versions of what made it.",
    "sample.jpg": "A picture to try it on.",
    "infer.py": "Asks the network about pictures. Needs only onnxruntime, numpy and Pillow.",
    "README.md": "How to use it, in a page.",
}


COMMANDS = "pip install onnxruntime numpy pillow\npython infer.py sample.jpg"


@dataclass(frozen=True, slots=True)
class Cell:
    """One count of the confusion matrix.

    Attributes:
        count: test pictures.
        heat: 0 (none) to 5 (the whole row).
        right: on the diagonal.
        title: the cell in words.
    """

    count: int
    heat: int
    right: bool
    title: str


def confusion_rows(test: dict[str, Any] | None) -> list[tuple[str, list[Cell]]]:
    """The confusion matrix with one row a true label; heat is the share of the row."""
    if not test or not test.get("confusion"):
        return []
    names = [row["label"] for row in test["per_class"]]
    rows = []
    for i, counts in enumerate(test["confusion"]):
        total = max(1, sum(counts))
        cells = [
            Cell(
                count,
                heat(count / total),
                i == j,
                f"{count} of {sum(counts)} pictures of {names[i]} were called {names[j]}",
            )
            for j, count in enumerate(counts)
        ]
        rows.append((names[i], cells))
    return rows


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of one label on the test pictures.

    Attributes:
        label: which.
        cells: has it and given it, has it and not given it, lacks it and given it, lacks it and not given it.
    """

    label: str
    cells: tuple[Cell, Cell, Cell, Cell]


def outcomes(test: dict[str, Any] | None) -> list[Outcomes]:
    """For each label how often it was there, and how often it was given; heat is the share of either row."""
    if not test:
        return []
    return [outcome(row["label"], row["counts"]) for row in test["per_class"] if "counts" in row]


def outcome(label: str, counts: list[list[int]]) -> Outcomes:
    (passed, wrong), (missed, hit) = counts
    having, lacking = hit + missed, passed + wrong

    def cell(count: int, total: int, *, right: bool, words: str) -> Cell:
        return Cell(count, heat(count / max(1, total)), right, f"{count} of {total} pictures {words}")

    return Outcomes(
        label,
        (
            cell(hit, having, right=True, words=f"of {label} were found"),
            cell(missed, having, right=False, words=f"of {label} were missed"),
            cell(wrong, lacking, right=False, words=f"without {label} were said to have it"),
            cell(passed, lacking, right=True, words=f"without {label} were left alone"),
        ),
    )


def slips(test: dict[str, Any] | None, count: int = 3) -> list[tuple[int, str, str]]:
    """The most frequent mistakes about labels: how often, "missed" or "given", and the label."""
    found = [
        (cell.count, kind, each.label)
        for each in outcomes(test)
        for cell, kind in ((each.cells[1], "missed"), (each.cells[2], "given"))
        if cell.count
    ]
    return sorted(found, key=lambda each: (-each[0], each[2], each[1]))[:count]


def heat(share: float) -> int:
    return 0 if share == 0 else min(5, 1 + int(share * 5))


def mistakes(test: dict[str, Any] | None, count: int = 3) -> list[tuple[int, str, str]]:
    """The most frequent mistakes: how often, the true label, and what it was taken for."""
    if not test or not test.get("confusion"):
        return []
    names = [row["label"] for row in test["per_class"]]
    found = [
        (number, names[i], names[j])
        for i, row in enumerate(test["confusion"])
        for j, number in enumerate(row)
        if i != j and number
    ]
    return sorted(found, key=lambda each: (-each[0], each[1], each[2]))[:count]


def bundle_files(model: TrainedModel) -> list[tuple[str, str, int | None]]:
    """What is in the bundle: name, what it is for, and bytes if the file is there."""
    folder = model.bundle_path
    return [
        (name, text, (folder / name).stat().st_size if (folder / name).is_file() else None)
        for name, text in CONTENTS.items()
    ]
