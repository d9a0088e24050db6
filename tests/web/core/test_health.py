"""The health page says which part is missing."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from pytest_django import Settings

from search_engine import __version__
from webapp.celery import app
from webapp.core import health


@pytest.fixture
def memory_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_url", "memory://")
    monkeypatch.setattr(app.conf, "broker_write_url", "memory://")


@pytest.mark.django_db
@pytest.mark.usefixtures("memory_broker")
def test_all_is_well() -> None:
    assert health.check() == {"ok": True, "version": __version__, "database": True, "broker": True}


@pytest.mark.django_db
def test_a_broker_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:9/0")
    answer = health.check()
    assert (answer["ok"], answer["database"], answer["broker"]) == (False, True, False)


@pytest.mark.django_db
@pytest.mark.usefixtures("memory_broker")
def test_a_database_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def broken() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(connection, "cursor", broken)
    answer = health.check()
    assert (answer["ok"], answer["database"], answer["broker"]) == (False, False, True)
