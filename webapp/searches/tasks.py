"""Celery tasks of searches; thin: the work is in ``slot`` and ``recovery``."""

from __future__ import annotations

from celery import shared_task

from webapp.searches import recovery
from webapp.searches.claims import claim_slot
from webapp.searches.slot import SlotRunner


@shared_task(name="webapp.searches.tasks.run_slot")
def run_slot(slot_id: int) -> None:
    """Run a slot of a search until the search needs it no more."""
    slot = claim_slot(slot_id)
    if slot is not None:
        SlotRunner(slot).run()


@shared_task(name="webapp.searches.tasks.requeue_lost")
def requeue_lost() -> None:
    """Every few seconds: give the work of dead workers to living ones."""
    recovery.requeue_lost()
