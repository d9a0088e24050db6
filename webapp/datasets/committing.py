"""Second half of an import: the rows, all of them in one transaction, or none and a sentence why."""

from __future__ import annotations

from collections import Counter

from django.db import transaction
from django.utils import timezone

from search_engine.data.split import SplitItem, assign_splits
from webapp.datasets import storage
from webapp.datasets.claims import Claim
from webapp.datasets.models import Dataset, DatasetVersion, Image, ImageLabel, Label, RejectedFile, Upload
from webapp.datasets.staging import Kept, Refused, Staged
from webapp.datasets.versions import seal_latest

BATCH = 2000  # rows that are in memory as model objects at once


def commit(claim: Claim, staged: Staged) -> None:
    """Make a new version of what was staged.

    Raises:
        LostClaimError: the upload is not ours any more; nothing was written.
    """
    splits = splits_of(claim.dataset_id, staged.kept)
    now = timezone.now()
    with transaction.atomic():
        claim.update(heartbeat_at=now)
        seal_latest(claim.dataset_id)
        version = add_version(claim.dataset_id, staged.kept, splits)
        labels = add_labels(claim.dataset_id, staged.kept)
        for start in range(0, len(staged.kept), BATCH):
            batch = slice(start, start + BATCH)
            add_images(version, staged.kept[batch], splits[batch], labels)
        add_rejected(claim.upload_id, staged.refused)
        claim.update(
            state=Upload.State.FINISHED,
            version=version,
            finished_at=now,
            error="",
            done=len(staged.kept) + len(staged.refused),
            total=len(staged.kept) + len(staged.refused),
            accepted=len(staged.kept),
            rejected=len(staged.refused),
        )
        Dataset.objects.filter(pk=claim.dataset_id).update(state=Dataset.State.READY, error="")
    claim.path.unlink(missing_ok=True)


def splits_of(dataset_id: int, kept: list[Kept]) -> list[str]:
    """A split for each picture; a copy of a picture from before goes where that one is."""
    before = dict(Image.objects.filter(dataset_id=dataset_id).values_list("sha256", "split"))
    items = [
        SplitItem(id=number, label="|".join(each.labels), group=each.sha256)
        for number, each in enumerate(kept)
    ]
    assigned = assign_splits(items, seed=dataset_id, fixed=before)
    return [assigned[number] for number in range(len(kept))]


def add_version(dataset_id: int, kept: list[Kept], splits: list[str]) -> DatasetVersion:
    """The next version, with the counts of the one before and of what is new."""
    latest = DatasetVersion.objects.filter(dataset_id=dataset_id).order_by("-number").first()
    before = latest.summary if latest else {"labels": {}, "splits": {}}
    labels = Counter(before["labels"]) + Counter(label for each in kept for label in each.labels)
    by_split = Counter(before["splits"]) + Counter(splits)
    return DatasetVersion.objects.create(
        dataset_id=dataset_id,
        number=latest.number + 1 if latest else 1,
        pictures=(latest.pictures if latest else 0) + len(kept),
        summary={
            "labels": dict(sorted(labels.items())),
            "splits": dict(by_split),
            "unlabelled": before.get("unlabelled", 0) + sum(not each.labels for each in kept),
        },
        changes={"added": len(kept), "removed": 0, "relabelled": 0, "moved": 0},
    )


def add_labels(dataset_id: int, kept: list[Kept]) -> dict[str, int]:
    """The primary key of each label; labels that are new are made."""
    names = sorted({label for each in kept for label in each.labels})
    Label.objects.bulk_create(
        [Label(dataset_id=dataset_id, name=name) for name in names], ignore_conflicts=True
    )
    return dict(Label.objects.filter(dataset_id=dataset_id).values_list("name", "pk"))


def add_images(version: DatasetVersion, kept: list[Kept], splits: list[str], labels: dict[str, int]) -> None:
    images = Image.objects.bulk_create(
        Image(
            dataset_id=version.dataset_id,
            added_in=version,
            name=each.name[:1024],
            sha256=each.sha256,
            format=each.format,
            width=each.width,
            height=each.height,
            size=each.size,
            split=split,
        )
        for each, split in zip(kept, splits, strict=True)
    )
    ImageLabel.objects.bulk_create(
        ImageLabel(image=image, label_id=labels[label], added_in=version)
        for image, each in zip(images, kept, strict=True)
        for label in each.labels
    )


def add_rejected(upload_id: int, refused: list[Refused]) -> None:
    RejectedFile.objects.bulk_create(
        (
            RejectedFile(
                upload_id=upload_id, name=each.name[:1024], code=each.code[:32], reason=each.reason[:500]
            )
            for each in refused
        ),
        batch_size=BATCH,
    )


def fail(claim: Claim, message: str) -> None:
    """End an import with a sentence. Its files go; the versions from before stay usable.

    Raises:
        LostClaimError: the upload is not ours any more; whoever has it now says how it ends.
    """
    claim.update(heartbeat_at=timezone.now())
    # Before the data set is free again: a next import may write the very files that are removed here.
    had = DatasetVersion.objects.filter(dataset_id=claim.dataset_id).exists()
    named = set(Image.objects.filter(dataset_id=claim.dataset_id).values_list("sha256", flat=True))
    storage.discard_files(claim.dataset_id, keep=named if had else None)
    claim.path.unlink(missing_ok=True)
    with transaction.atomic():
        claim.update(
            state=Upload.State.FAILED, error=message, finished_at=timezone.now(), accepted=0, rejected=0
        )
        state = Dataset.State.READY if had else Dataset.State.FAILED
        Dataset.objects.filter(pk=claim.dataset_id).update(state=state, error=message)
