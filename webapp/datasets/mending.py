"""What the doctor's buttons do: the obvious thing about a finding, as an edit that can be undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from django.db.models import QuerySet

from search_engine.data.manifest import TEST, TRAIN, VALIDATION
from webapp.core.errors import UserError
from webapp.datasets import diagnosing, editing
from webapp.datasets.models import Dataset, Edit, Finding, Image

Kind = Finding.Kind

ODD = (Kind.ASPECT_RATIO, Kind.DARK, Kind.BRIGHT, Kind.BLURRY, Kind.UNIFORM, Kind.GRAYSCALE, Kind.TINY)
ALIKE = (Kind.NEAR_DUPLICATE, Kind.EXACT_DUPLICATE)
AT_ONCE = 20_000  # pictures that are looked at again within a request; more take a worker some seconds
HELD_OUT = (TRAIN, VALIDATION, TEST)  # the more a network must not know a picture, the later


def remove(*, dataset: Dataset, findings: QuerySet[Finding]) -> Edit | None:
    """Take out the pictures that findings are about.

    Raises:
        UserError: they are not about single pictures, or the data set cannot be edited just now.
    """
    rows = about(findings, ODD)
    return edited(dataset, rows, [image.pk for _, images in rows for image in images])


def keep_best(*, dataset: Dataset, findings: QuerySet[Finding]) -> Edit | None:
    """Of each group keep one picture a label, the largest, and of these the sharpest.

    Which label is right is another question: see ``choose_label``.

    Raises:
        UserError: they are not about pictures that are alike, or the data set cannot be edited just now.
    """
    rows = about(findings, ALIKE)
    worse: list[int] = []
    for _, images in rows:
        by_labels: dict[frozenset[str], list[Image]] = defaultdict(list)
        for image in images:
            by_labels[frozenset(labels_of(image))].append(image)
        worse += [image.pk for same in by_labels.values() for image in sorted(same, key=worth)[:-1]]
    return edited(dataset, rows, worse)


def take_from_training(*, dataset: Dataset, findings: QuerySet[Finding]) -> Edit | None:
    """Of pictures that leak keep those that are held out the most.

    Raises:
        UserError: nothing leaks there, or the data set cannot be edited just now.
    """
    rows = about(findings, (Kind.LEAKAGE,))
    leaking: list[int] = []
    for _, images in rows:
        last = max((HELD_OUT.index(image.split) for image in images), default=0)
        leaking += [image.pk for image in images if HELD_OUT.index(image.split) < last]
    return edited(dataset, rows, leaking)


def choose_label(*, dataset: Dataset, findings: QuerySet[Finding], label: str) -> Edit | None:
    """Settle which label is right: copies under another one go, pictures that are nearly the same get it.

    Raises:
        UserError: there is no conflict, or the label is none of those, or the data set cannot be edited now.
    """
    rows = about(findings, (Kind.CONFLICTING_LABELS,))
    spare: list[int] = []
    wrong: list[int] = []
    for _, images in rows:
        labels = {image.pk: labels_of(image) for image in images}
        if not any(label in names for names in labels.values()):
            raise UserError("no_such_label", f"None of these pictures is labelled “{label}”. Choose again.")
        settled = {image.sha256 for image in images if labels[image.pk] == {label}}
        for image in images:
            if labels[image.pk] == {label}:
                continue
            if image.sha256 in settled:
                spare.append(image.pk)
            else:
                wrong.append(image.pk)
                settled.add(image.sha256)
    edit = editing.remove_pictures(dataset=dataset, images=spare) if spare else None
    if wrong:
        edit = editing.relabel(dataset=dataset, images=wrong, labels=[label])
    look_again(dataset, rows)
    return edit


MENDS: dict[str, Callable[..., Edit | None]] = {
    "remove": remove,
    "keep_best": keep_best,
    "take_from_training": take_from_training,
    "choose_label": choose_label,
}


def about(findings: QuerySet[Finding], kinds: Iterable[str]) -> list[tuple[Finding, list[Image]]]:
    """Findings with the pictures of theirs that are still there.

    Raises:
        UserError: a finding is of another kind, so that this would do something nobody meant.
    """
    rows = list(findings)
    if any(row.kind not in set(kinds) for row in rows):
        raise UserError("wrong_kind", "This cannot be done about such a finding. Load the page again.")
    images: dict[int, list[Image]] = defaultdict(list)
    for start in range(0, len(rows), 500):
        links = Finding.images.through.objects.filter(
            finding__in=[row.pk for row in rows[start : start + 500]], image__removed_in=None
        ).select_related("image")
        for link in links.order_by("image_id"):
            images[link.finding_id].append(link.image)
    return [(row, images[row.pk]) for row in rows]


def worth(image: Image) -> tuple[int, float, int, int]:
    """What is better comes later."""
    return (image.width * image.height, image.sharpness or 0.0, image.size, -image.pk)


def labels_of(image: Image) -> set[str]:
    return set(image.image_labels.filter(removed_in=None).values_list("label__name", flat=True))


def edited(dataset: Dataset, rows: list[tuple[Finding, list[Image]]], images: list[int]) -> Edit | None:
    edit = editing.remove_pictures(dataset=dataset, images=set(images)) if images else None
    look_again(dataset, rows)
    return edit


def look_again(dataset: Dataset, rows: list[tuple[Finding, list[Image]]]) -> None:
    """Have the page show what is left: looked at now if that is quick, else by a worker soon."""
    latest = dataset.latest
    if latest and latest.pictures <= AT_ONCE:
        diagnosing.diagnose(dataset.pk)
    else:
        diagnosing.note_mended(dataset=dataset, findings=[row.pk for row, _ in rows])
