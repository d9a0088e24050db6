"""Whether the parts that the site cannot do without answer."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError

from search_engine import __version__

log = logging.getLogger(__name__)
BROKER_SECONDS = 2  # to answer in; a healthy one takes milliseconds


def check() -> dict[str, Any]:
    """``{"ok": bool, "version": str, "database": bool, "broker": bool}``."""
    database, broker = _database_answers(), _broker_answers()
    return {"ok": database and broker, "version": __version__, "database": database, "broker": broker}


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("The database does not answer: %s", error)
        return False
    return True


def _broker_answers() -> bool:
    broker = current_app.connection_for_write(connect_timeout=BROKER_SECONDS)
    try:
        # each request has a connection of its own: a pooled one may have died without our noticing
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (OSError, OperationalError) as error:
        log.warning("The broker does not answer: %s", error)
        return False
    finally:
        broker.release()
    return True
