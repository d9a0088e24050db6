"""What beat does about slots that nobody works on any more."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from webapp.core.queue import enqueue
from webapp.searches.claims import ClaimLost, lock_search
from webapp.searches.endings import requeue_slot, settle
from webapp.searches.models import Search, Slot

MAX_SLOT_ATTEMPTS = 5
UNSENT_SECONDS = 60.0  # a message that is older may have been lost with its broker; the slot is sent again


def requeue_lost() -> None:
    """Give the work of dead workers to living ones, and end searches that nobody works on."""
    _requeue_silent()
    _send_again()
    _end_abandoned()


def _requeue_silent() -> None:
    from webapp.searches.tasks import run_slot

    limit = timezone.now() - timedelta(seconds=settings.LOST_AFTER_SECONDS)
    silent = Slot.objects.filter(state=Slot.State.RUNNING, heartbeat_at__lt=limit)
    for slot in silent.select_related("search"):
        with suppress(ClaimLost), transaction.atomic():  # unless the search is deleted just now
            if requeue_slot(slot, max_attempts=MAX_SLOT_ATTEMPTS):
                enqueue(run_slot, slot.pk)


def _send_again() -> None:
    from webapp.searches.tasks import run_slot

    now = timezone.now()
    unsent = Q(enqueued_at=None) | Q(enqueued_at__lt=now - timedelta(seconds=UNSENT_SECONDS))
    waiting = Slot.objects.filter(unsent, state=Slot.State.QUEUED)
    for pk in list(waiting.values_list("pk", flat=True)):
        # Conditional, so that two beats send it once.
        if Slot.objects.filter(unsent, pk=pk, state=Slot.State.QUEUED).update(enqueued_at=now):
            enqueue(run_slot, pk)


def _end_abandoned() -> None:
    alive = Slot.objects.filter(search=OuterRef("pk")).exclude(state=Slot.State.DONE)
    # QUEUED, too: its slots may have been lost before the first of them got as far as starting it.
    going_on = (Search.State.QUEUED, Search.State.RUNNING)
    for search in Search.objects.filter(~Exists(alive), state__in=going_on):
        with suppress(ClaimLost), transaction.atomic():
            lock_search(search.pk)
            if not search.slots.exclude(state=Slot.State.DONE).exists():  # it may have gone on just now
                settle(search)
