"""The hourly sweep."""

from __future__ import annotations

import logging

from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from webapp.core.chores import CHORES

log = logging.getLogger(__name__)


@shared_task
def sweep() -> None:
    """Remove expired sessions and what the apps' chores find; one that fails does not stop the others."""
    for name, chore in {"expired sessions": remove_expired_sessions, **CHORES}.items():
        try:
            removed = chore()
        except Exception:
            log.exception("Sweeping %s failed.", name)
        else:
            if removed:
                log.info("Swept %s: %d removed.", name, removed)


def remove_expired_sessions() -> int:
    removed, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return removed
