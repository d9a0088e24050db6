"""How far an import is, in words: which upload is looked at, how long it takes, how many wait behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from webapp.datasets.models import Dataset, Upload

MIN_SECONDS = 3.0  # a rate of less is noise
MIN_FILES = 20


@dataclass(frozen=True, slots=True)
class ImportNow:
    """What the page shows of a data set's import.

    Attributes:
        upload: the one that is being imported, or the next.
        waiting: uploads behind it.
        left: such as "about 2 minutes left"; empty while nobody can tell.
    """

    upload: Upload
    waiting: int
    left: str

    @property
    def facts(self) -> list[object]:
        """What changes when the page has something new to show."""
        upload = self.upload
        return [upload.pk, upload.state, upload.done, upload.total, upload.accepted, self.waiting, self.left]


def import_now(dataset: Dataset) -> ImportNow | None:
    """The import that goes on, or the one that came last; None if there was none."""
    ours = dataset.uploads.order_by("pk")
    queued = ours.filter(state=Upload.State.QUEUED)
    upload = ours.filter(state=Upload.State.RUNNING).first() or queued.first() or ours.last()
    if upload is None:
        return None
    return ImportNow(upload, queued.exclude(pk=upload.pk).count(), time_left(upload, timezone.now()))


def time_left(upload: Upload, now: datetime) -> str:
    """In words, from the rate so far."""
    if upload.state != Upload.State.RUNNING or upload.started_at is None or upload.done < MIN_FILES:
        return ""
    seconds = (now - upload.started_at).total_seconds()
    if seconds < MIN_SECONDS:
        return ""
    left = seconds * max(0, upload.total - upload.done) / upload.done
    if left < 55:
        return f"about {max(1, round(left / 10)) * 10} seconds left"
    if left < 90 * 60:
        minutes = round(left / 60)
        return f"about {minutes} minute{'' if minutes == 1 else 's'} left"
    return f"about {left / 3600:.1f} hours left"
