"""Starting, stopping and deleting searches. The moves of a running search are in ``steps`` and ``slot``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from webapp.core.errors import UserError
from webapp.core.queue import enqueue
from webapp.searches import files
from webapp.searches.models import LogLine, Search, Slot
from webapp.searches.narration import minutes_in_words, note
from webapp.searches.readiness import check_budget, check_version

if TYPE_CHECKING:
    from webapp.accounts.models import User
    from webapp.datasets.models import DatasetVersion


def start_search(
    *,
    owner: User,
    version: DatasetVersion | None,
    budget_minutes: float,
    seed: int = 0,
    max_trials: int | None = None,
) -> Search:
    """Make a search and send its slots to the workers.

    Raises:
        UserError: the pictures cannot be trained on, or the budget makes no sense; says what to do.
    """
    from webapp.searches.tasks import run_slot

    if version is None:
        raise UserError(
            code="no_pictures", message="This dataset has no pictures yet. Add some first, then train."
        )
    check_budget(budget_minutes)
    check_version(version)
    with transaction.atomic():
        search = Search.objects.create(
            owner=owner,
            version=version,
            budget_minutes=budget_minutes,
            seed=seed,
            max_trials=max_trials,
            slot_count=max(1, settings.SLOTS),
        )
        note(search, f"Asked for a network within {minutes_in_words(budget_minutes)}. Waiting for a worker.")
        now = timezone.now()
        for index in range(search.slot_count):
            slot = Slot.objects.create(search=search, index=index, enqueued_at=now)
            enqueue(run_slot, slot.pk)
    return search


def stop_search(search: Search) -> None:
    """Ask a search to stop and keep the best so far. Asking twice, or too late, does no harm."""
    with transaction.atomic():
        now = timezone.now()
        waiting = Search.objects.filter(pk=search.pk, state=Search.State.QUEUED)
        if waiting.update(
            state=Search.State.CANCELLED, phase=Search.Phase.DONE, stop_requested=True, finished_at=now
        ):
            Slot.objects.filter(search=search).update(state=Slot.State.DONE, claim="", doing="")
            note(search, "Stopped before it began.")
        else:
            # Once the best network is being finished there is nothing left to cut short.
            running = Search.objects.filter(pk=search.pk, state=Search.State.RUNNING, stop_requested=False)
            if running.exclude(phase=Search.Phase.FINISH).update(stop_requested=True):
                note(search, "Asked to stop. The best network so far is kept.")
    search.refresh_from_db()


def delete_search(search: Search) -> None:
    """Delete a search with its model and all its files.

    Its slots vanish with it: a worker that still runs one notices at its next heartbeat and ends.
    """
    pk = search.pk
    with transaction.atomic():
        search.delete()
        transaction.on_commit(lambda: _remove_files(pk), robust=True)


def _remove_files(search_pk: int) -> None:
    # A worker that has not noticed yet may write while we delete; what that leaves, the hourly sweep removes.
    with suppress(OSError):
        files.remove_below(files.data_dir() / "searches", files.run_folder(search_pk))
    with suppress(OSError):
        files.remove_below(files.models_root(), files.model_folder(search_pk))


def seconds_left(search: Search) -> float:
    """Seconds of the budget that are left, as of now; the whole budget before the start, 0 when over."""
    if search.is_over:
        return 0.0
    budget = search.budget_minutes * 60
    if search.started_at is None:
        return budget
    return max(0.0, budget - (timezone.now() - search.started_at).total_seconds())


def latest_log(search: Search, count: int = 200) -> list[LogLine]:
    """The last lines of the search's log, oldest first."""
    return list(reversed(search.log_lines.order_by("-id")[:count]))
