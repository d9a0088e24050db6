"""The one way to enqueue a task: after the transaction is committed, so that the worker finds the row."""

from __future__ import annotations

from typing import Any

from celery import Task
from django.db import transaction


def enqueue(task: Task[Any, Any], *ids: int) -> None:
    """Send a task with row ids once the present transaction is committed (at once if there is none).

    A broker that is down does not lose the job: the row is QUEUED, and beat sends it again.
    """
    # A function, not a partial: Django names what failed by its __qualname__, which a partial has not.
    transaction.on_commit(lambda: _send(task, *ids), robust=True)


def _send(task: Task[Any, Any], *ids: int) -> None:
    task.apply_async(args=ids, retry=False)
