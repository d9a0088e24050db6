"""What happens to imports whose worker died, and to files that no row names any more."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from webapp.datasets.claims import WAITING, Claim, LostClaimError, claim_of, first_waiting
from webapp.datasets.committing import fail
from webapp.datasets.models import Dataset, Transfer, Upload

MAX_ATTEMPTS = 3
RESEND_AFTER = timedelta(seconds=60)  # longer than a message takes; one too many does no harm
KEEP_SECONDS = 24 * 3600.0  # an upload still arriving, or a file about to get its row, is younger


def lost_uploads() -> list[int]:
    """The uploads to send (again): their worker fell silent, or no worker took them though it is their turn.

    One that has taken its worker with it three times is failed: the next worker would die as well.
    """
    now = timezone.now()
    silent_since = now - timedelta(seconds=settings.LOST_AFTER_SECONDS)
    silent = Upload.objects.filter(state=Upload.State.RUNNING, heartbeat_at__lt=silent_since)
    for upload in silent.filter(attempts__gte=MAX_ATTEMPTS):
        with suppress(LostClaimError):  # it has ended by itself since we looked
            fail(taken_over(upload), given_up(upload))
    silent.filter(attempts__lt=MAX_ATTEMPTS).update(state=Upload.State.QUEUED, enqueued_at=None)
    unsent = Q(enqueued_at=None) | Q(enqueued_at__lt=now - RESEND_AFTER)
    ids = list(first_waiting().filter(unsent, state=Upload.State.QUEUED).values_list("pk", flat=True))
    Upload.objects.filter(pk__in=ids).update(enqueued_at=now)
    return ids


def taken_over(upload: Upload) -> Claim:
    """Its worker's claim, which is ours from now on: were it still alive, it must not commit what we remove.

    Raises:
        LostClaimError: it has ended, or another of us was first.
    """
    claim = claim_of(upload)
    claim.update(attempts=upload.attempts + 1, heartbeat_at=timezone.now())
    return replace(claim, attempt=upload.attempts + 1)


def given_up(upload: Upload) -> str:
    return (
        f"The import of {upload.name} was broken off {upload.attempts} times, perhaps because the server ran "
        "out of memory. Send the pictures in smaller parts, or give the server more memory."
    )


def sweep_files() -> int:
    """Remove old files from ``uploads`` and ``tmp`` that nothing on its way names; how many there were."""
    data = Path(settings.DATA_DIR)
    named = set(Upload.objects.filter(state__in=WAITING).values_list("path", flat=True))
    named |= set(Transfer.objects.filter(state=Transfer.State.ARRIVING).values_list("path", flat=True))
    removed = 0
    for path in [*data.glob("uploads/*"), *data.glob("tmp/*")]:
        if path.is_file() and str(path.relative_to(data)) not in named and is_old(path):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def sweep_folders() -> int:
    """Remove the folders of data sets that were deleted while a worker wrote to them."""
    ids = set(Dataset.objects.values_list("pk", flat=True))
    folders = (Path(settings.DATA_DIR) / "datasets").glob("*")
    orphans = [each for each in folders if each.name.isdigit() and int(each.name) not in ids and is_old(each)]
    for folder in orphans:
        shutil.rmtree(folder, ignore_errors=True)
    return len(orphans)


def is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - KEEP_SECONDS
    except FileNotFoundError:
        return False
