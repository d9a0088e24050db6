"""From a zip or a folder to pictures on disk, for the command line. The site imports by its own task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from search_engine.data.manifest import TEST, Manifest, Picture
from search_engine.data.scan import Found, Rejected, scan
from search_engine.data.split import SplitItem, assign_splits, hold_out
from search_engine.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Gathered:
    """The pictures of one source.

    Attributes:
        pictures: (path relative to the folder, label, sha256) of each.
        rejected: files that did not become pictures.
        names: of the pictures in the source, by their paths; of several alike the first.
    """

    pictures: tuple[tuple[str, str, str], ...]
    rejected: tuple[Rejected, ...]
    names: dict[str, str] = field(default_factory=dict)


def gather(source: Path, folder: Path, *, on_file: Callable[[int], None]) -> Gathered:
    """Copy the pictures of a zip or a folder of class folders into ``folder``, named by their content.

    Raises:
        DatasetError: the source cannot be used at all; the text says why.
    """
    pictures: list[tuple[str, str, str]] = []
    rejected: list[Rejected] = []
    names: dict[str, str] = {}
    for done, item in enumerate(scan(source), start=1):
        if isinstance(item, Found):
            path = f"{item.sha256[:2]}/{item.sha256}.{item.extension}"
            names.setdefault(path, item.name)
            target = folder / path
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(item.data)
            pictures.extend((path, label, item.sha256) for label in item.labels)
        else:
            rejected.append(item)
        on_file(done)
    return Gathered(tuple(pictures), tuple(rejected), names)


def make_manifest(train: Gathered, test: Gathered | None, folder: Path, *, seed: int) -> Manifest:
    """Split the pictures and list them. A training picture that is also in the test set is left out.

    Args:
        train: pictures to learn from.
        test: a test set that the user gives; None to hold one out of ``train``.
        folder: where the pictures are.
        seed: of the split.

    Raises:
        DatasetError: fewer than two labels, or a test label that there is nothing to learn from.
    """
    tested = {sha256 for _, _, sha256 in test.pictures} if test else set()
    learned = [picture for picture in train.pictures if picture[2] not in tested]
    labels = tuple(sorted({label for _, label, _ in learned}))
    if len(labels) < 2:
        raise DatasetError(
            f"There is only one label ({', '.join(labels)}), so there is nothing to tell apart. "
            "Put the pictures of each kind into a folder of their own."
        )
    items = [SplitItem(i, label, sha256) for i, (_, label, sha256) in enumerate(learned)]
    split_of = assign_splits(items, seed=seed) if test is None else hold_out(items, seed=seed)
    pictures = [
        Picture(id=i, path=path, label=label, split=split_of[i], group=sha256)
        for i, (path, label, sha256) in enumerate(learned)
    ]
    for i, (path, label, sha256) in enumerate(test.pictures if test else (), start=len(pictures)):
        if label not in labels:
            raise DatasetError(f"The test set has a label {label!r} that the training set does not have.")
        pictures.append(Picture(id=i, path=path, label=label, split=TEST, group=sha256))
    return Manifest(root=folder, labels=labels, pictures=tuple(pictures))
