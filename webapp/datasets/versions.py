"""Versions: opening, sealing, naming, discarding, and what changed from one to the next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, Q

from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion, Finding, Image, ImageLabel

NAME_LETTERS = 120
WORDS = (
    ("added", "{} added"),
    ("removed", "{} removed"),
    ("relabelled", "{} with other labels"),
    ("moved", "{} in another split"),
)


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A picture of the newer version, with the names of its labels in both."""

    image_id: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A picture of the newer version, with its split in both."""

    image_id: int
    before: str
    after: str


@dataclass(slots=True)
class Difference:
    """What a version has changed against the one before it, as primary keys of pictures."""

    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    relabelled: list[Relabelled] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "relabelled": len(self.relabelled),
            "moved": len(self.moved),
        }


def lock(dataset: Dataset) -> None:
    """Have edits, imports and searches of a data set wait for each other; in a transaction only."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)


def latest_version(dataset_id: int) -> DatasetVersion | None:
    return DatasetVersion.objects.filter(dataset_id=dataset_id).order_by("-number").first()


def open_version(dataset: Dataset) -> DatasetVersion:
    """The version that edits go into: the latest if it is open, else the next one, which is made.

    Raises:
        UserError: there are no pictures yet.
    """
    latest = latest_version(dataset.pk)
    if latest is None:
        raise UserError("no_pictures", "This data set has no pictures yet. Add some first.", status=409)
    if latest.state == DatasetVersion.State.OPEN:
        return latest
    return DatasetVersion.objects.create(
        dataset_id=dataset.pk,
        number=latest.number + 1,
        kind=DatasetVersion.Kind.EDIT,
        state=DatasetVersion.State.OPEN,
        pictures=latest.pictures,
        summary=latest.summary,
    )


def seal_version(*, version: DatasetVersion, name: str | None = None) -> DatasetVersion:
    """From now on the version never changes; its edits cannot be undone any more. Twice does no harm.

    Args:
        name: what the person calls it; None keeps the name it has.
    """
    with transaction.atomic():
        lock(version.dataset)
        if name is not None:
            rename_version(version=version, name=name)
        seal_row(version)
    version.refresh_from_db()
    return version


def seal_latest(dataset_id: int) -> None:
    """Seal the edits of a data set, if any are open, before something new comes after them."""
    latest = latest_version(dataset_id)
    if latest is not None:
        seal_row(latest)


def seal_row(version: DatasetVersion) -> None:
    rows = DatasetVersion.objects.filter(pk=version.pk, state=DatasetVersion.State.OPEN)
    if not rows.update(state=DatasetVersion.State.SEALED):
        return
    # What came and went within the version was there for undo only.
    ImageLabel.objects.filter(added_in=version, removed_in=version).delete()
    Image.objects.filter(added_in=version, removed_in=version).delete()
    version.edits.update(undo={})


def rename_version(*, version: DatasetVersion, name: str) -> None:
    """Give a version a name, or none: the one thing about a sealed version that may change.

    Raises:
        UserError: the name is too long.
    """
    name = " ".join(name.replace("\0", "").encode(errors="ignore").decode().split())
    if len(name) > NAME_LETTERS:
        raise UserError(
            "invalid_name",
            f"This name has {len(name)} characters; at most {NAME_LETTERS} will do. Shorten it.",
        )
    version.name = name
    version.save(update_fields=["name"])


def discard(version: DatasetVersion) -> None:
    """Delete an open version and all rows that only it has."""
    ImageLabel.objects.filter(added_in=version).delete()
    ImageLabel.objects.filter(removed_in=version).update(removed_in=None)
    Image.objects.filter(added_in=version).delete()
    Image.objects.filter(removed_in=version).update(removed_in=None)
    before = version_before(version)
    Finding.objects.filter(version=version).update(version=before)
    version.delete()


def version_before(version: DatasetVersion) -> DatasetVersion | None:
    earlier = DatasetVersion.objects.filter(dataset_id=version.dataset_id, number__lt=version.number)
    return earlier.order_by("-number").first()


def change_counts(version: DatasetVersion) -> dict[str, int]:
    return difference(version).counts


def difference(version: DatasetVersion) -> Difference:
    """What a version has changed against the one before; the first one has added everything.

    A picture that moved to another split is another row: what it was is known by its content and name.
    """
    gone: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    removed = Image.objects.filter(removed_in=version).exclude(added_in=version).order_by("-pk")
    for pk, sha256, name, split in removed.values_list("pk", "sha256", "name", "split"):
        gone[sha256, name].append((pk, split))
    came = Image.objects.filter(added_in=version).exclude(removed_in=F("added_in")).order_by("pk")
    result = Difference()
    pairs: dict[int, int] = {}
    for pk, sha256, name, split in came.values_list("pk", "sha256", "name", "split"):
        if not gone.get((sha256, name)):
            result.added.append(pk)
            continue
        old, was = gone[sha256, name].pop()
        pairs[pk] = old
        if was != split:
            result.moved.append(Moved(pk, was, split))
    result.removed = sorted(pk for rows in gone.values() for pk, _ in rows)
    result.relabelled = relabelled(version, pairs)
    return result


def relabelled(version: DatasetVersion, pairs: dict[int, int]) -> list[Relabelled]:
    """The pictures of which only the labels differ, or the labels as well.

    Args:
        pairs: for rows that the version has begun, the row that the picture was before.
    """
    before: dict[int, set[str]] = defaultdict(set)
    after: dict[int, set[str]] = defaultdict(set)
    links = ImageLabel.objects.filter(Q(removed_in=version) | Q(added_in=version))
    touched = set(
        links.filter(image__added_in__number__lt=version.number)
        .filter(Q(image__removed_in=None) | Q(image__removed_in__number__gt=version.number))
        .exclude(added_in=F("removed_in"))
        .values_list("image_id", flat=True)
    )
    if not touched and not pairs:
        return []
    old_ids = touched | set(pairs.values())
    new_ids = touched | set(pairs)
    number = version.number
    collect(before, old_ids, Q(added_in__number__lt=number), Q(removed_in__number__gte=number))
    collect(after, new_ids, Q(added_in__number__lte=number), Q(removed_in__number__gt=number))
    found = [(pk, pairs.get(pk, pk)) for pk in sorted(new_ids)]
    return [
        Relabelled(pk, tuple(sorted(before[old])), tuple(sorted(after[pk])))
        for pk, old in found
        if before[old] != after[pk]
    ]


def collect(into: dict[int, set[str]], image_ids: set[int], begun: Q, ended: Q) -> None:
    """The names of the labels that pictures had at some time."""
    ids = sorted(image_ids)
    for start in range(0, len(ids), 5000):
        links = ImageLabel.objects.filter(
            begun, Q(removed_in=None) | ended, image__in=ids[start : start + 5000]
        )
        for image, name in links.values_list("image_id", "label__name"):
            into[image].add(name)


def changes_in_words(changes: dict[str, int]) -> str:
    """``{"added": 3, "moved": 1}`` is "3 added, 1 in another split"."""
    parts = [words.format(f"{changes[key]:,}") for key, words in WORDS if changes.get(key)]
    return ", ".join(parts) or "nothing changed"
