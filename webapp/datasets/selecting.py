"""Which rows an edit is about: pictures as they are now, their groups, and what was removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from webapp.datasets.drafting import chunks
from webapp.datasets.models import Dataset, Image, ImageLabel


def live_ids(dataset: Dataset, images: Iterable[int]) -> list[int]:
    """The rows that these pictures have now, in order."""
    live: set[int] = set()
    for ids in chunks(images):
        rows = Image.objects.filter(dataset=dataset, pk__in=ids).order_by()
        dead: set[tuple[str, str]] = set()
        for pk, removed, sha256, name in rows.values_list("pk", "removed_in", "sha256", "name"):
            if removed is None:
                live.add(pk)
            else:
                dead.add((sha256, name))
        live |= set(rows_now(dataset, dead).values())
    return sorted(live)


def rows_now(dataset: Dataset, keys: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Which of these pictures, known by content and name, are in the data set, and as which row."""
    found: dict[tuple[str, str], int] = {}
    for hashes in chunks({sha256 for sha256, _ in keys}):
        rows = Image.objects.filter(dataset=dataset, removed_in=None, sha256__in=hashes).order_by()
        for pk, sha256, name in rows.values_list("pk", "sha256", "name"):
            if (sha256, name) in keys:
                found[sha256, name] = pk
    return found


def restorable(dataset: Dataset, images: Iterable[int]) -> list[Image]:
    """The rows of removed pictures, the newest of each, that the data set does not have in any other way."""
    newest: dict[tuple[str, str], Image] = {}
    for ids in chunks(images):
        for row in Image.objects.filter(dataset=dataset, pk__in=ids).exclude(removed_in=None).order_by("pk"):
            newest[row.sha256, row.name] = row
    for key in rows_now(dataset, set(newest)):
        del newest[key]
    return list(newest.values())


def splits_of_groups(dataset: Dataset, rows: Sequence[Image]) -> dict[int, str]:
    """Where restored pictures have to go because pictures nearly the same are there by now."""
    splits: dict[str, str] = {}
    for keys in chunks({row.group for row in rows if row.group}):
        mates = Image.objects.filter(dataset=dataset, removed_in=None, group__in=keys).order_by()
        splits.update(mates.values_list("group", "split"))
    for hashes in chunks({row.sha256 for row in rows}):
        copies = Image.objects.filter(dataset=dataset, removed_in=None, sha256__in=hashes).order_by()
        splits.update(copies.values_list("sha256", "split"))
    return {row.pk: splits[row.group_key] for row in rows if row.group_key in splits}


def with_groups(dataset: Dataset, image_ids: Sequence[int]) -> list[Image]:
    """Pictures, and all that must be in one split with them."""
    rows: dict[int, Image] = {}
    groups: set[str] = set()
    hashes: set[str] = set()
    for ids in chunks(image_ids):
        for row in Image.objects.filter(pk__in=ids):
            rows[row.pk] = row
            hashes.add(row.sha256)
            groups |= {row.group} - {""}
    for field, keys in (("group__in", groups), ("sha256__in", hashes)):
        for some in chunks(keys):
            mates = Image.objects.filter(dataset=dataset, removed_in=None, **{field: some})
            rows.update((mate.pk, mate) for mate in mates)
    return [rows[pk] for pk in sorted(rows)]


def tested_pictures(dataset: Dataset) -> set[tuple[str, str]]:
    """The pictures, by content and name, that a model of this data set has been tested on."""
    # Searches and models are above data sets; their tables are reached by name, as when one is deleted.
    numbers = dataset.versions.filter(searches__model__isnull=False).values_list("number", flat=True)
    tested = sorted(set(numbers))
    if not tested:
        return set()
    rows = Image.objects.filter(
        dataset=dataset, split=Image.Split.TEST, added_in__number__lte=tested[-1]
    ).values_list("sha256", "name", "added_in__number", "removed_in__number")
    return {
        (sha256, name)
        for sha256, name, begun, ended in rows
        if any(begun <= number and (ended is None or ended > number) for number in tested)
    }


def live_links(dataset: Dataset) -> QuerySet[ImageLabel]:
    """What gives a label to a picture now."""
    return ImageLabel.objects.filter(image__dataset=dataset, image__removed_in=None, removed_in=None)


def links_of(image_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """By picture: the row that gives it a label, by label."""
    links: dict[int, dict[int, int]] = defaultdict(dict)
    for ids in chunks(image_ids):
        rows = ImageLabel.objects.filter(image__in=ids, removed_in=None)
        for pk, image, label in rows.values_list("pk", "image_id", "label_id"):
            links[image][label] = pk
    return links
