"""Which pictures of a data set are nearly the same: found at import, before splits are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from search_engine.data.duplicates import Hashed, join, near_pairs
from search_engine.data.likeness import descriptor
from webapp.datasets import storage
from webapp.datasets.models import Image

if TYPE_CHECKING:
    from webapp.datasets.staging import Kept

SMALL_GROUP, GROUP_SHARE = 20, 20  # a group may have 20 pictures, or a twentieth of all if that is more
BATCH = 500  # hashes in one query


def grouping(dataset_id: int, kept: Sequence[Kept]) -> Callable[[], dict[str, str]]:
    """The work of grouping: it may take a minute, touches no row, and gives the group of each content."""
    items: dict[str, Hashed] = {}
    groups: dict[str, str] = {}
    rows = Image.objects.filter(dataset_id=dataset_id).order_by("pk")
    for sha256, phash, contrast, group in rows.values_list("sha256", "phash", "contrast", "group").iterator(
        chunk_size=5000
    ):
        if phash is not None and contrast is not None:
            items[sha256] = Hashed(sha256, phash, contrast)
        if group:
            groups[sha256] = group
    old = len(items)
    for each in kept:
        if each.facts and each.sha256 not in items:
            items[each.sha256] = Hashed(each.sha256, each.facts.phash, each.facts.contrast)
    return partial(grouped, dataset_id, list(items.values()), old, groups)


def grouped(dataset_id: int, items: list[Hashed], old: int, groups: dict[str, str]) -> dict[str, str]:
    """The group of each content, old and new, that has near-duplicates."""
    pairs = near_pairs(items, partial(describe, dataset_id), first_new=old)
    return join(pairs, groups, max_size=max(SMALL_GROUP, len(items) // GROUP_SHARE))


def describe(dataset_id: int, sha256: str) -> np.ndarray | None:
    """What a picture is compared by, from its thumbnail."""
    try:
        with Pillow.open(storage.thumbnail_file(dataset_id, sha256), formats=["WEBP"]) as thumbnail:
            return descriptor(thumbnail.convert("RGB"))
    except OSError:
        return None


def regroup(dataset_id: int, groups: dict[str, str]) -> None:
    """Write down the groups of pictures, old and new, where they are others than before."""
    by_group: dict[str, list[str]] = {}
    for sha256, group in groups.items():
        by_group.setdefault(group, []).append(sha256)
    for group, contents in by_group.items():
        for start in range(0, len(contents), BATCH):
            rows = Image.objects.filter(dataset_id=dataset_id, sha256__in=contents[start : start + BATCH])
            rows.exclude(group=group).update(group=group)
