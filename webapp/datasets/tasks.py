"""Celery's way in; the work is in ``importing`` and ``recovery``."""

from __future__ import annotations

from celery import shared_task

from webapp.core.queue import enqueue
from webapp.datasets import diagnosing, importing, recovery


@shared_task
def import_upload(upload_id: int) -> None:
    """Import one upload; then it is the turn of the next one of its data set."""
    following = importing.run_import(upload_id)
    if following is not None:
        enqueue(import_upload, following)


@shared_task
def diagnose_edited(dataset_id: int, edited_at: int) -> None:
    """Look for what is wrong after an edit, unless another edit came since and has a task of its own."""
    diagnosing.diagnose_edited(dataset_id, edited_at)


@shared_task
def requeue_lost() -> None:
    """Send again the uploads whose worker died or whose message was lost."""
    for upload_id in recovery.lost_uploads():
        enqueue(import_upload, upload_id)
