"""Second half of an import: the rows, all of them in one transaction, or none and a sentence why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone

from webapp.datasets import storage
from webapp.datasets.claims import WAITING, Claim
from webapp.datasets.diagnosing import diagnose
from webapp.datasets.grouping import regroup
from webapp.datasets.models import Dataset, DatasetVersion, Image, ImageLabel, Label, RejectedFile, Upload
from webapp.datasets.splitting import Split, splits_of
from webapp.datasets.staging import Kept, Refused, Staged
from webapp.datasets.versions import seal_latest

BATCH = 2000  # rows that are in memory as model objects at once
MAX_CLASHES = 1000  # that a version's summary tells of


def commit(claim: Claim, staged: Staged) -> None:
    """Make a new version of what was staged; none if there was nothing but copies.

    Raises:
        LostClaimError: the upload is not ours any more; nothing was written.
    """
    splits = splits_of(claim.dataset_id, staged.kept, staged.groups)
    now = timezone.now()
    with transaction.atomic():
        claim.update(heartbeat_at=now)
        dataset = Dataset.objects.select_for_update().get(pk=claim.dataset_id)
        if staged.kept:
            seal_latest(claim.dataset_id)
        version = add_version(dataset, staged, splits) if staged.kept else None
        if version:
            labels = add_labels(claim.dataset_id, staged.kept)
            for start in range(0, len(staged.kept), BATCH):
                batch = slice(start, start + BATCH)
                add_images(version, staged.kept[batch], splits[batch], labels)
        add_rejected(claim.upload_id, staged.refused)
        regroup(claim.dataset_id, staged.groups)
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
        settle(claim.dataset_id, error="")
        diagnose(claim.dataset_id)
    claim.discard_file()


def add_version(dataset: Dataset, staged: Staged, splits: list[Split]) -> DatasetVersion:
    """The next version, with the counts of the one before and of what is new."""
    kept = staged.kept
    if any(len(each.labels) > 1 for each in kept):
        Dataset.objects.filter(pk=dataset.pk).update(task=Dataset.Task.MULTI)
    latest = dataset.latest
    before = latest.summary if latest else {}
    labels = Counter(before.get("labels", {})) + Counter(label for each in kept for label in each.labels)
    by_split = Counter(before.get("splits", {})) + Counter(split.name for split in splits)
    summary = {
        "labels": dict(sorted(labels.items())),
        "splits": dict(by_split),
        "unlabelled": before.get("unlabelled", 0) + sum(not each.labels for each in kept),
        "empty_labels": [label for label in staged.empty_labels if not labels[label]],
        "empty_folders": {label: name for label, name in staged.empty_labels.items() if not labels[label]},
        "split_clashes": [clash._asdict() for clash in staged.clashes[:MAX_CLASHES]],
    }
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=latest.number + 1 if latest else 1,
        pictures=(latest.pictures if latest else 0) + len(kept),
        summary=summary,
        changes={"added": len(kept), "removed": 0, "relabelled": 0, "moved": 0},
    )


def add_labels(dataset_id: int, kept: list[Kept]) -> dict[str, int]:
    """The primary key of each label; labels that are new are made."""
    names = sorted({label for each in kept for label in each.labels})
    Label.objects.bulk_create(
        [Label(dataset_id=dataset_id, name=name) for name in names], ignore_conflicts=True
    )
    return dict(Label.objects.filter(dataset_id=dataset_id).values_list("name", "pk"))


def add_images(
    version: DatasetVersion, kept: list[Kept], splits: list[Split], labels: dict[str, int]
) -> None:
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
            split=split.name,
            split_by=split.by,
            **(asdict(each.facts) if each.facts else {}),
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
                upload_id=upload_id,
                name=each.name[:1024],
                code=each.code[:32],
                reason=each.reason[:500],
                sha256=each.sha256,
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
    claim.discard_file()
    with transaction.atomic():
        claim.update(
            state=Upload.State.FAILED, error=message, finished_at=timezone.now(), accepted=0, rejected=0
        )
        settle(claim.dataset_id, error=message)


def settle(dataset_id: int, *, error: str) -> None:
    """Say what a data set's state is after an import."""
    dataset = Dataset.objects.select_for_update().filter(pk=dataset_id)
    if not dataset.first():  # also takes the lock: whoever adds an upload comes before us or after us
        return
    state = Dataset.State.FAILED
    if Upload.objects.filter(dataset_id=dataset_id, state__in=WAITING).exists():
        state = Dataset.State.IMPORTING
    elif DatasetVersion.objects.filter(dataset_id=dataset_id).exists():
        state = Dataset.State.READY
    dataset.update(state=state, error=error)
