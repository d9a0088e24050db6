"""Enqueueing when nobody takes the message."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction

from webapp.accounts.models import User
from webapp.core import queue
from webapp.datasets.models import Dataset
from webapp.datasets.tasks import import_upload


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_down_does_not_undo_the_row(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise ConnectionError("The broker does not answer.")

    monkeypatch.setattr(queue, "_send", refuse)
    monkeypatch.setattr(queue, "transaction", transaction)
    with transaction.atomic():
        Dataset.objects.create(owner=alice, name="Colours")
        queue.enqueue(import_upload, 1)
    assert Dataset.objects.filter(name="Colours").exists()


def test_chores_wait_neither_behind_imports_nor_behind_one_another() -> None:
    current_app.loader.import_default_modules()
    schedule: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    for entry in schedule.values():
        assert entry["task"] in current_app.tasks
        assert current_app.amqp.router.route({}, entry["task"])["queue"].name == "chores"
        assert entry["options"]["expires"] <= entry["schedule"]
