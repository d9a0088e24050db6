"""Which split each picture of an import is in: as the upload says, else drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from search_engine.data.given import SHARE, says_nothing, settled
from search_engine.data.manifest import TEST, VALIDATION
from search_engine.data.split import SplitItem, assign_splits, items_of
from webapp.datasets.models import Image
from webapp.datasets.staging import Kept


class Split(NamedTuple):
    """The split of a picture, and who said so."""

    name: str
    by: str = Image.SplitBy.AUTO


def splits_of(dataset_id: int, kept: Sequence[Kept], groups: Mapping[str, str]) -> list[Split]:
    """A split for each picture.

    A copy of a picture from before, even of a removed one, goes where that one is; so what was once held out
    for a test is never learned from. Of copies in one upload the first says where all go. Where nobody says
    anything, near-duplicates are in one split.

    Args:
        groups: the group of each content, old or new, that has near-duplicates.
    """
    images = Image.objects.filter(dataset_id=dataset_id)
    before = dict(images.order_by("pk").values_list("sha256", "split"))
    near = {groups[content]: split for content, split in before.items() if content in groups}
    present = set(images.filter(removed_in=None).order_by().values_list("split", flat=True).distinct())
    given: dict[str, str] = {}
    for each in kept:
        if each.split and each.sha256 not in before:
            given.setdefault(each.sha256, each.split)
    some_free = any(each.split is None for each in kept)
    if not before and says_nothing(given, some_free=some_free):
        given = {}
    fixed, missing = settled(given, present, some_free=some_free)
    said = fixed | before
    for content, split in fixed.items():
        if content in groups:
            near.setdefault(groups[content], split)
    assigned = assign_splits(
        items_for(kept, {content: group for content, group in groups.items() if content not in said}),
        seed=dataset_id,
        test_share=SHARE if TEST in missing else 0.0,
        validation_share=SHARE if VALIDATION in missing else 0.0,
        fixed=said | near,
    )
    return [
        Split(split, Image.SplitBy.FOLDER if given and each.split == split else Image.SplitBy.AUTO)
        for each, split in zip(kept, (assigned[number] for number in range(len(kept))), strict=True)
    ]


def items_for(kept: Sequence[Kept], groups: Mapping[str, str]) -> list[SplitItem]:
    """What the splits are balanced by: every label for itself, where a picture has several.

    Args:
        kept: the pictures.
        groups: by content, of those that are tied to others that look the same.
    """
    grouped = [
        (number, each.labels, groups.get(each.sha256, each.sha256)) for number, each in enumerate(kept)
    ]
    labelled = [item for item in grouped if item[1]]
    rest = [SplitItem(number, "", group) for number, labels, group in grouped if not labels]
    if any(len(labels) > 1 for _, labels, _ in labelled):
        return items_of(labelled) + rest
    return [SplitItem(number, labels[0], group) for number, labels, group in labelled] + rest
