"""Which picture to label next."""

from __future__ import annotations

from webapp.datasets import wall
from webapp.datasets.models import Dataset, DatasetVersion, Image

UNLABELLED = wall.Filters(label=wall.NONE)


def next_unlabelled(version: DatasetVersion, *, after: int | None, count: int = 2) -> list[Image]:
    """The next pictures without a label, the first of them to be labelled now.

    Args:
        after: the picture before; behind the last one it begins again with those that were skipped.
    """
    found = wall.page_of(version, UNLABELLED, after=after, count=count)[:count]
    if not found and after is not None:
        found = wall.page_of(version, UNLABELLED, count=count)[:count]
    return found


def unlabelled_left(version: DatasetVersion) -> int:
    return wall.count_matching(version, UNLABELLED)


def label_keys(dataset: Dataset, version: DatasetVersion) -> list[tuple[str, str]]:
    """The labels with the keys that give them: 1 to 9, and none for those after."""
    used = set(version.summary.get("labels", {}))
    # A label that has no picture yet was made for the pictures that are to come.
    names = sorted(used) + sorted(
        dataset.labels.exclude(name__in=used).filter(image_labels=None).values_list("name", flat=True)
    )
    return [(str(number) if number < 10 else "", name) for number, name in enumerate(names, start=1)]
