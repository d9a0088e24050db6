"""Which split each picture of an import is in: as the upload says, else drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from search_engine.data.manifest import TEST, TRAIN, VALIDATION
from search_engine.data.split import SplitItem, assign_splits
from webapp.datasets.models import Image
from webapp.datasets.staging import Kept

SHARE = 0.15  # of each label's pictures that are drawn for validation, and for the test


class Split(NamedTuple):
    """The split of a picture, and who said so."""

    name: str
    by: str = Image.SplitBy.AUTO


def splits_of(dataset_id: int, kept: Sequence[Kept]) -> list[Split]:
    """A split for each picture.

    A copy of a picture from before, even of a removed one, goes where that one is; so what was once held out
    for a test is never learned from. Of copies in one upload the first says where all go.
    """
    images = Image.objects.filter(dataset_id=dataset_id)
    before = dict(images.order_by("pk").values_list("sha256", "split"))
    present = set(images.filter(removed_in=None).order_by().values_list("split", flat=True).distinct())
    given: dict[str, str] = {}
    for each in kept:
        if each.split and each.sha256 not in before:
            given.setdefault(each.sha256, each.split)
    some_free = any(each.split is None for each in kept)
    if not before and not some_free and len(set(given.values())) == 1:
        given = {}  # a first upload that lies in one folder as a whole, such as “test”, says nothing by that
    fixed, missing = settled(given, present, some_free=some_free)
    items = [
        SplitItem(id=number, label="|".join(each.labels), group=each.sha256)
        for number, each in enumerate(kept)
    ]
    assigned = assign_splits(
        items,
        seed=dataset_id,
        test_share=SHARE if TEST in missing else 0.0,
        validation_share=SHARE if VALIDATION in missing else 0.0,
        fixed=fixed | before,
    )
    return [
        Split(split, Image.SplitBy.FOLDER if given and each.split == split else Image.SplitBy.AUTO)
        for each, split in zip(kept, (assigned[number] for number in range(len(kept))), strict=True)
    ]


def settled(given: dict[str, str], present: set[str], *, some_free: bool) -> tuple[dict[str, str], set[str]]:
    """What of the splits that an upload gives is to be kept, and which splits are to be drawn from the rest.

    No network can be chosen without a validation split, or judged without a test. So where neither the upload
    nor the data set has one of them, it is drawn from the pictures that were given for training.

    Args:
        given: the split of each content.
        present: splits that the data set has pictures in.
        some_free: whether there are pictures that the upload gives no split for.
    """
    drawn = {VALIDATION, TEST}
    if some_free or not given:
        return given, drawn
    said = set(given.values())
    missing = drawn - said - present
    if missing:
        given = {content: split for content, split in given.items() if split != TRAIN}
    return given, missing
