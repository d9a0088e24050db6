"""Who holds a slot. Whatever a worker writes, it writes only while its claim is good.

A worker that was believed dead (its machine slept, say) and comes back finds its claim gone, writes nothing
more and ends its engine; the slot may have been given to another by then.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from webapp.searches.models import Search, Slot


class ClaimLost(Exception):
    """The slot was given away, or its search is over or deleted."""


def claim_slot(slot_pk: int) -> Slot | None:
    """Take a waiting slot; None if somebody else has it, so that a message delivered twice does no harm."""
    claim = secrets.token_hex(16)
    taken = Slot.objects.filter(pk=slot_pk, state=Slot.State.QUEUED).update(
        state=Slot.State.RUNNING,
        claim=claim,
        doing="",
        worker=socket.gethostname()[:120],
        attempts=F("attempts") + 1,
        heartbeat_at=timezone.now(),
    )
    return Slot.objects.select_related("search__version__dataset").get(pk=slot_pk) if taken else None


def keep(slot: Slot, doing: str | None = None) -> None:
    """A sign of life, and what the slot is doing if that has changed.

    Raises:
        ClaimLost: the slot is not ours any more.
    """
    values = {"heartbeat_at": timezone.now()} | ({} if doing is None else {"doing": doing})
    ours = Slot.objects.filter(pk=slot.pk, claim=slot.claim, state=Slot.State.RUNNING)
    if not ours.update(**values):
        raise ClaimLost(f"slot {slot.pk} was given away, or its search is over")


def lock_search(search_pk: int) -> Search:
    """The search's row, locked until the transaction ends (SQLite has locked everything already).

    Whoever writes to several rows of a search locks this one first: with one order there is no deadlock.

    Raises:
        ClaimLost: the search was deleted.
    """
    search = Search.objects.select_for_update().filter(pk=search_pk).first()
    if search is None:
        raise ClaimLost(f"search {search_pk} was deleted")
    return search


@contextmanager
def held(slot: Slot) -> Iterator[None]:
    """A transaction in which the slot is certainly ours.

    Raises:
        ClaimLost: it is not; nothing is written.
    """
    with transaction.atomic():
        lock_search(slot.search_id)
        keep(slot)
        yield
