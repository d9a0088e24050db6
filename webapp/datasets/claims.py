"""Who works on an upload: a row is claimed by a conditional update, and every write proves the claim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from webapp.datasets.models import Dataset, Upload

WAITING = (Upload.State.QUEUED, Upload.State.RUNNING)


class LostClaimError(Exception):
    """The upload is not ours any more: another worker has it, or it was deleted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Our right to work on an upload.

    Attributes:
        attempt: tells our claim from the one of a worker that was thought dead and comes back.
        path: of the file or folder; of a sample, which has no bytes yet, where to write it.
        label: for pictures that come without one.
    """

    upload_id: int
    dataset_id: int
    attempt: int
    kind: str
    name: str
    path: Path
    label: str

    def update(self, **values: Any) -> None:
        """Write to the upload's row.

        Raises:
            LostClaimError: it is not ours any more.
        """
        rows = Upload.objects.filter(pk=self.upload_id, state=Upload.State.RUNNING, attempts=self.attempt)
        if rows.update(**values) != 1:
            raise LostClaimError(f"upload {self.upload_id}, attempt {self.attempt}")

    def discard_file(self) -> None:
        """Remove what was uploaded. What an administrator pointed at is not ours to remove."""
        if self.kind != Upload.Kind.SERVER:
            self.path.unlink(missing_ok=True)


def claim_upload(upload_id: int) -> Claim | None:
    """Take a waiting upload; None if it is not waiting (a message that came twice, say), or not the first."""
    now = timezone.now()
    with transaction.atomic():
        # One at a time: whoever claims an upload of this data set, or adds one, waits for us here.
        if not Dataset.objects.select_for_update().filter(uploads__pk=upload_id).first():
            return None
        taken = (
            first_waiting()
            .filter(pk=upload_id, state=Upload.State.QUEUED)
            .update(
                state=Upload.State.RUNNING,
                attempts=F("attempts") + 1,
                started_at=now,
                heartbeat_at=now,
                done=0,
                total=0,
                accepted=0,
                rejected=0,
            )
        )
        upload = Upload.objects.filter(pk=upload_id).first() if taken else None
    return claim_of(upload) if upload else None


def first_waiting() -> QuerySet[Upload]:
    """Of each data set the upload whose turn it is: the running one, else the one that came first."""
    same = Upload.objects.filter(dataset=OuterRef("dataset"))
    before = same.filter(state__in=WAITING, pk__lt=OuterRef("pk"))
    running = same.filter(state=Upload.State.RUNNING).exclude(pk=OuterRef("pk"))
    return Upload.objects.filter(~Exists(before), ~Exists(running), state__in=WAITING)


def next_upload(dataset_id: int) -> int | None:
    """The upload that may now be imported, noted as sent; None if none waits."""
    waiting = first_waiting().filter(dataset=dataset_id, state=Upload.State.QUEUED)
    pk = waiting.values_list("pk", flat=True).first()
    if pk is not None:
        Upload.objects.filter(pk=pk).update(enqueued_at=timezone.now())
    return pk


def claim_of(upload: Upload) -> Claim:
    """The claim that the row says somebody holds."""
    return Claim(
        upload_id=upload.pk,
        dataset_id=upload.dataset_id,
        attempt=upload.attempts,
        kind=upload.kind,
        name=upload.name,
        path=Path(settings.DATA_DIR) / upload.path,  # the path itself where that is absolute
        label=upload.label,
    )
