"""Who works on an upload: a row is claimed by a conditional update, and every write proves the claim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from webapp.datasets.models import Upload


class LostClaimError(Exception):
    """The upload is not ours any more: another worker has it, or it was deleted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Our right to work on an upload.

    Attributes:
        attempt: tells our claim from the one of a worker that was thought dead and comes back.
        path: of the zip; of a sample, which has no bytes yet, where to write it.
    """

    upload_id: int
    dataset_id: int
    attempt: int
    name: str
    path: Path
    is_sample: bool

    def update(self, **values: Any) -> None:
        """Write to the upload's row.

        Raises:
            LostClaimError: it is not ours any more.
        """
        rows = Upload.objects.filter(pk=self.upload_id, state=Upload.State.RUNNING, attempts=self.attempt)
        if rows.update(**values) != 1:
            raise LostClaimError(f"upload {self.upload_id}, attempt {self.attempt}")


def claim_upload(upload_id: int) -> Claim | None:
    """Take a waiting upload; None if it is not waiting (a message that came twice, say)."""
    now = timezone.now()
    taken = Upload.objects.filter(pk=upload_id, state=Upload.State.QUEUED).update(
        state=Upload.State.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        done=0,
        total=0,
        accepted=0,
        rejected=0,
    )
    upload = Upload.objects.filter(pk=upload_id).first() if taken else None
    return claim_of(upload) if upload else None


def claim_of(upload: Upload) -> Claim:
    """The claim that the row says somebody holds."""
    return Claim(
        upload_id=upload.pk,
        dataset_id=upload.dataset_id,
        attempt=upload.attempts,
        name=upload.name,
        path=Path(settings.DATA_DIR) / upload.path,
        is_sample=upload.size == 0,
    )
