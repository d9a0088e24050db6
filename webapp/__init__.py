"""The site. Importing it makes the Celery application known, so that tasks find their broker."""

from __future__ import annotations

from webapp.celery import app as celery_app

__all__ = ["celery_app"]
