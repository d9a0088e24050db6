"""Pausing a search and going on with it. Both are whole in the database before any worker knows of them.

A pause takes the claim of every slot: whatever a worker then still reports is refused, it notices within a
second or so and ends its engine. Nothing is waited for, so a pause outlives the end of every process.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from webapp.core.errors import UserError
from webapp.core.queue import enqueue
from webapp.searches.claims import lock_search
from webapp.searches.models import Epoch, Search, Slot, Trial
from webapp.searches.narration import note


def pause_search(search: Search) -> None:
    """Halt a search and its clock until somebody resumes it. Asking twice does no harm.

    Trials that were running wait again as if they had never begun.

    Raises:
        UserError: it is over, or its best network is being finished.
    """
    with transaction.atomic():
        lock_search(search.pk)
        search.refresh_from_db()
        if search.is_paused:
            return
        refuse_over(search, "There is nothing to pause.")
        refuse_finishing(search, "It cannot be paused any more.")
        search.state, search.paused_at, search.progress = Search.State.PAUSED, timezone.now(), {}
        search.save(update_fields=["state", "paused_at", "progress"])
        search.slots.update(state=Slot.State.DONE, claim="", doing="")
        before = Greatest(F("attempts") - 1, 0)
        running = search.trials.filter(state=Trial.State.RUNNING)
        Epoch.objects.filter(trial__in=running).delete()
        running.update(state=Trial.State.QUEUED, slot=None, started_at=None, attempts=before)
        note(search, "Paused. The time that is left is kept.")


def resume_search(search: Search) -> None:
    """Go on where a pause has halted a search. Asking twice does no harm.

    Raises:
        UserError: it is over.
    """
    with transaction.atomic():
        lock_search(search.pk)
        search.refresh_from_db()
        refuse_over(search, "To go on with it, add minutes.")
        if search.is_paused:
            restart(search)
            note(search, "Resumed.")


def restart(search: Search) -> None:
    """Let the clock of a paused search run again and send its slots to the workers.

    Call it inside a transaction that has locked the search.
    """
    now = timezone.now()
    search.state = Search.State.RUNNING if search.started_at else Search.State.QUEUED
    if search.started_at and search.paused_at:
        search.paused_seconds += (now - search.paused_at).total_seconds()
    search.paused_at = None
    search.save(update_fields=["state", "paused_at", "paused_seconds"])
    queue_slots(search)


def queue_slots(search: Search) -> None:
    """Send every slot to the workers, its past losses forgiven."""
    from webapp.searches.tasks import run_slot

    search.slots.update(
        state=Slot.State.QUEUED, claim="", doing="", attempts=0, enqueued_at=timezone.now(), heartbeat_at=None
    )
    for pk in search.slots.values_list("pk", flat=True):
        enqueue(run_slot, pk)


def refuse_over(search: Search, advice: str) -> None:
    """Refuse what only a search that goes on can do."""
    if search.is_over:
        raise UserError(code="search_over", message=f"The search is over. {advice}", status=409)


def refuse_finishing(search: Search, advice: str) -> None:
    """Refuse what can no longer be done once the best network is being finished."""
    if search.is_finishing:
        raise UserError(
            code="search_finishing",
            message=f"The best network is being finished just now. {advice}",
            status=409,
        )
