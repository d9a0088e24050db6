"""Which split each picture of an import is in: as the upload says, else drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from search_engine.data.given import SHARE, says_nothing, settled
from search_engine.data.manifest import TEST, VALIDATION
from search_engine.data.split import SplitItem, assign_splits
from webapp.datasets.models import Image
from webapp.datasets.staging import Kept


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
    if not before and says_nothing(given, some_free=some_free):
        given = {}
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
