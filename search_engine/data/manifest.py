"""Which pictures a search works on: one JSON-lines file that the site writes and the engine reads."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from search_engine.errors import DatasetError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
SINGLE, MULTI = "single", "multi"
TASKS = (SINGLE, MULTI)
"""One label a picture, or several."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and what is on it.

    Attributes:
        id: unique in the manifest; on the site the row's primary key.
        path: of the file, relative to the manifest's root.
        label: one of the manifest's labels, where each picture has one; empty where it may have several.
        split: ``train``, ``validation`` or ``test``.
        group: pictures of one group (duplicates) are always in one split.
        labels: of the manifest's labels, where it may have several; then a picture may be without any, which
            says that none of them is on it.
    """

    id: int
    path: str
    label: str
    split: str
    group: str
    labels: tuple[str, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Its label, or its labels."""
        return (self.label,) if self.label else self.labels


@dataclass(frozen=True)
class Manifest:
    """The pictures of one version of a data set.

    Attributes:
        root: folder that the pictures' paths start from; in a file, it may be relative to where the file is.
        labels: in the order of the network's classes.
        pictures: in a fixed order, which everything that is seeded relies on.
        task: ``single`` label a picture or ``multi``; single in a file that does not say.
    """

    root: Path
    labels: tuple[str, ...]
    pictures: tuple[Picture, ...]
    task: str = SINGLE

    def of(self, split: str) -> tuple[Picture, ...]:
        """The pictures of one split, in the manifest's order."""
        return tuple(picture for picture in self.pictures if picture.split == split)

    @cached_property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of the content; caches are kept under it."""
        total = hashlib.sha256()
        for line in _lines(self):
            total.update(line.encode())
        return total.hexdigest()[:16]


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the file in one step, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.writelines(_lines(manifest))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        DatasetError: the file is missing or is not a manifest; the text names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"The list of pictures {path} cannot be read: {error}.") from error
    number = 1
    try:
        head = json.loads(lines[0])
        task = _task_of(head)
        root, labels = (
            Path(os.path.normpath(path.parent / head["root"])),
            tuple(str(label) for label in head["labels"]),
        )
        pictures = []
        while number < len(lines):
            number += 1
            if line := lines[number - 1]:
                pictures.append(_checked(_picture(json.loads(line), task), labels, task))
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"Line {number} of the list of pictures {path} is damaged: {error}.") from error
    manifest = Manifest(root, labels, tuple(pictures), task)
    if len({picture.id for picture in manifest.pictures}) != len(manifest.pictures):
        raise DatasetError(f"The list of pictures {path} has two pictures of one number.")
    return manifest


def _task_of(head: dict[str, Any]) -> str:
    task = head.get("task", SINGLE)
    if task not in TASKS:
        raise ValueError(f"{task!r} is not a task")
    return str(task)


def _picture(data: dict[str, Any], task: str) -> Picture:
    if task == SINGLE:
        return Picture(**data)
    return Picture(**data | {"label": "", "labels": tuple(data["labels"])})


def _checked(picture: Picture, labels: tuple[str, ...], task: str) -> Picture:
    if picture.split not in SPLITS:
        raise ValueError(f"{picture.split!r} is not a split")
    for label in (picture.label,) if task == SINGLE else picture.labels:
        if label not in labels:
            raise ValueError(f"{label!r} is not among the labels")
    return picture


def _lines(manifest: Manifest) -> Iterator[str]:
    # Plain ASCII: a file name that is no valid UTF-8 (possible in a folder on disk) survives as an escape.
    # What a set of one label a picture does not need is left out: its digest, and its caches, stay the same.
    multi = manifest.task == MULTI
    head = {"root": str(manifest.root), "labels": list(manifest.labels)}
    yield json.dumps(head | {"task": MULTI} if multi else head) + "\n"
    for picture in manifest.pictures:
        line = asdict(picture)
        del line["label" if multi else "labels"]
        yield json.dumps(line) + "\n"
