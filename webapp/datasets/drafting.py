"""What an edit does to rows, noted so that it can be told and undone.

A sealed version never changes, so an edit never changes a row that one has: it ends the row in the open
version (``removed_in``) and begins another (``added_in``). A row that begins and ends in the same open
version belongs to none; it is kept for undo and goes when the version is sealed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from django.db.models import Count
from django.utils import timezone

from webapp.datasets.models import (
    Dataset,
    DatasetVersion,
    Edit,
    Finding,
    Image,
    ImageLabel,
    Label,
    Opinion,
)
from webapp.datasets.versions import change_counts, discard, open_version

CHUNK = 5000  # ids in one query; databases allow about 32,000
T = TypeVar("T")

# The keys of ``Edit.undo``: what was done to which rows.
REMOVED, RETURNED, CREATED, SPLITS = "removed", "returned", "created", "splits"
ENDED, RENEWED, LINKED = "ended", "renewed", "linked"

COPIED = tuple(
    field.attname
    for field in Image._meta.concrete_fields
    if field.attname not in ("id", "added_in_id", "removed_in_id")
)


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """A list of at most CHUNK at a time."""
    everything = list(items)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]


class Tally:
    """How many pictures of a selection are in the latest version, by label and by split."""

    def __init__(self) -> None:
        self.pictures = 0
        self.unlabelled = 0
        self.labels: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()

    @classmethod
    def of(cls, image_ids: Iterable[int]) -> Tally:
        tally = cls()
        for ids in chunks(image_ids):
            live = Image.objects.filter(pk__in=ids, removed_in=None)
            splits = dict(live.order_by().values_list("split").annotate(Count("pk")))
            links = ImageLabel.objects.filter(image__in=ids, image__removed_in=None, removed_in=None)
            labels = dict(links.values_list("label__name").annotate(Count("pk")))
            pictures = sum(splits.values())
            labelled = links.values("image").distinct().count()
            tally.pictures += pictures
            tally.unlabelled += pictures - labelled
            tally.labels.update(labels)
            tally.splits.update(splits)
        return tally


class Draft:
    """One edit on its way: each method changes rows and notes what takes that back.

    The open version is made by the first change, so an edit that changes nothing leaves nothing.
    """

    def __init__(self, dataset: Dataset, image_ids: Iterable[int]) -> None:
        self.dataset = dataset
        self.touched = set(image_ids)
        self.before = Tally.of(self.touched)
        self.done: dict[str, list[int]] = {}
        self.splits: dict[str, list[int]] = {}
        self._version: DatasetVersion | None = None

    @property
    def version(self) -> DatasetVersion:
        if self._version is None:
            self._version = open_version(self.dataset)
        return self._version

    def note(self, key: str, ids: Iterable[int]) -> None:
        self.done.setdefault(key, []).extend(ids)

    def remove(self, image_ids: Sequence[int]) -> None:
        """Take pictures out."""
        for ids in chunks(image_ids):
            Image.objects.filter(pk__in=ids).update(removed_in=self.version)
        self.note(REMOVED, image_ids)

    def take_back(self, image_ids: Sequence[int]) -> None:
        """Put back in what was taken out in this very version."""
        for ids in chunks(image_ids):
            Image.objects.filter(pk__in=ids).update(removed_in=None)
        self.note(RETURNED, image_ids)

    def set_split(self, images: Sequence[Image], split: str) -> None:
        """Change the split of rows that only this version has."""
        for image in images:
            self.splits.setdefault(f"{image.split}/{image.split_by}", []).append(image.pk)
        for ids in chunks(image.pk for image in images):
            Image.objects.filter(pk__in=ids).update(split=split, split_by=Image.SplitBy.HAND)

    def copy(self, images: Sequence[Image], *, splits: dict[int, str], split_by: str = "") -> None:
        """Add pictures again as rows of this version, with the labels, findings and opinions they have.

        Args:
            splits: the split of a copy, by the primary key of its original; else it stays.
            split_by: who decided that; else that stays, too.
        """
        if not images:
            return
        copies = []
        for image in images:
            copy = Image(**{name: getattr(image, name) for name in COPIED}, added_in=self.version)
            copy.split = splits.get(image.pk, image.split)
            copy.split_by = split_by or image.split_by
            copies.append(copy)
        Image.objects.bulk_create(copies)
        copy_of = {image.pk: copy.pk for image, copy in zip(images, copies, strict=True)}
        self.note(CREATED, copy_of.values())
        self.touched |= set(copy_of.values())
        for ids in chunks(copy_of):
            links = ImageLabel.objects.filter(image__in=ids, removed_in=None)
            self.link((copy_of[image], label) for image, label in links.values_list("image_id", "label_id"))
            about = Finding.images.through.objects.filter(image_id__in=ids)
            Finding.images.through.objects.bulk_create(
                Finding.images.through(finding_id=finding, image_id=copy_of[image])
                for finding, image in about.values_list("finding_id", "image_id")
            )
            opinions = list(Opinion.objects.filter(image__in=ids))
            for opinion in opinions:
                opinion.pk, opinion.image_id = None, copy_of[opinion.image_id]
            Opinion.objects.bulk_create(opinions)

    def link(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Give pictures labels that they do not have now."""
        wanted = set(pairs)
        if not wanted:
            return
        renewed: set[tuple[int, int]] = set()
        for ids in chunks({image for image, _ in wanted}):
            # What lost the label in this version gets the old row back: a version has no label twice.
            lost = ImageLabel.objects.filter(image__in=ids, removed_in=self.version)
            back = {
                (image, label): pk
                for pk, image, label in lost.values_list("pk", "image_id", "label_id")
                if (image, label) in wanted
            }
            if back:
                ImageLabel.objects.filter(pk__in=back.values()).update(removed_in=None)
                self.note(RENEWED, back.values())
                renewed |= back.keys()
        made = ImageLabel.objects.bulk_create(
            ImageLabel(image_id=image, label_id=label, added_in=self.version)
            for image, label in sorted(wanted - renewed)
        )
        self.note(LINKED, (link.pk for link in made))

    def unlink(self, link_ids: Sequence[int]) -> None:
        """Take labels off pictures."""
        for ids in chunks(link_ids):
            ImageLabel.objects.filter(pk__in=ids).update(removed_in=self.version)
        self.note(ENDED, link_ids)

    def finish(self, action: Edit.Action, text: str, pictures: int) -> Edit | None:
        """Bring the version's counts up to date and note the edit; None if nothing was changed."""
        if not any(self.done.values()) and not self.splits:
            return None
        recount(self.version, before=self.before, after=Tally.of(self.touched))
        undo = {key: ids for key, ids in self.done.items() if ids}
        return Edit.objects.create(
            version=self.version,
            action=action,
            text=text[:300],
            pictures=pictures,
            undo={**undo, SPLITS: self.splits, "touched": sorted(self.touched)},
        )


def recount(version: DatasetVersion, *, before: Tally, after: Tally) -> None:
    """Write the counts of an open version, of which a part was like this and is now like that."""
    summary = version.summary
    labels = Counter(summary.get("labels", {}))
    labels.update(after.labels)
    labels.subtract(before.labels)
    splits = Counter(summary.get("splits", {}))
    splits.update(after.splits)
    splits.subtract(before.splits)
    version.pictures += after.pictures - before.pictures
    version.summary = {
        **summary,  # what else an import has noted there
        "labels": {name: count for name, count in sorted(labels.items()) if count},
        "splits": dict(splits),
        "unlabelled": summary.get("unlabelled", 0) + after.unlabelled - before.unlabelled,
    }
    version.changes = change_counts(version)
    version.changed_at = timezone.now()
    version.save(update_fields=["pictures", "summary", "changes", "changed_at"])


def take_back(edit: Edit) -> None:
    """Do the opposite of an edit; a version in which no edit is left goes with the last."""
    version, undo = edit.version, edit.undo
    touched = set(undo["touched"])
    before = Tally.of(touched)
    for key, ended in ((ENDED, None), (RENEWED, version)):
        for ids in chunks(undo.get(key, ())):
            ImageLabel.objects.filter(pk__in=ids).update(removed_in=ended)
    made: set[int] = set()
    for ids in chunks(undo.get(LINKED, ())):
        links = ImageLabel.objects.filter(pk__in=ids)
        made |= set(links.values_list("label_id", flat=True))
        links.delete()
    for ids in chunks(undo.get(CREATED, ())):
        Image.objects.filter(pk__in=ids).delete()
    for key, ended in ((REMOVED, None), (RETURNED, version)):
        for ids in chunks(undo.get(key, ())):
            Image.objects.filter(pk__in=ids).update(removed_in=ended)
    # A label that came with the edit goes with it; one that any version has, or had, stays.
    Label.objects.filter(pk__in=made, image_labels=None).delete()
    for was, moved in undo[SPLITS].items():
        split, _, split_by = was.partition("/")
        for ids in chunks(moved):
            Image.objects.filter(pk__in=ids).update(split=split, split_by=split_by)
    edit.undone = True
    if not version.edits.filter(undone=False).exclude(pk=edit.pk).exists():
        discard(version)
        return
    edit.save(update_fields=["undone"])
    recount(version, before=before, after=Tally.of(touched))
