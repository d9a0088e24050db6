"""The hourly sweep does every chore, even after one that fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from webapp.core import tasks


@pytest.mark.django_db
def test_it_removes_expired_sessions_only() -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(days=1))
    tasks.sweep()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


@pytest.mark.django_db
def test_a_chore_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def broken() -> int:
        raise OSError("no")

    def fine() -> int:
        done.append("fine")
        return 2

    monkeypatch.setattr(tasks, "CHORES", {"broken things": broken, "fine things": fine})
    with caplog.at_level("INFO"):
        tasks.sweep()
    assert done == ["fine"]
    assert "Sweeping broken things failed" in caplog.text
    assert "Swept fine things: 2 removed" in caplog.text
