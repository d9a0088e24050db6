"""For tests of the site: a data folder a test, three people, and a queue that only takes notes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Task
from django.test import Client
from pytest_django import Settings

from webapp.accounts.models import User
from webapp.accounts.services import create_token
from webapp.core import queue

PASSWORD = "open-sesame-42"


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    """DATA_DIR, empty and of this test alone, with all that is derived from it."""
    folder = tmp_path / "data"
    for name in ("tmp", "uploads", "static"):
        (folder / name).mkdir(parents=True)
    settings.DATA_DIR = folder
    settings.FILE_UPLOAD_TEMP_DIR = folder / "tmp"
    settings.STATIC_ROOT = folder / "static"
    # Pages name their files without collectstatic, and passwords are hashed in no time.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return folder


@pytest.fixture(autouse=True)
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """What was enqueued: the task's short name and its ids. Nothing is sent, nothing runs.

    A test runs in a transaction that is never committed, so "on commit" is "at once" here.
    """
    sent: list[tuple[str, tuple[int, ...]]] = []

    def note(task: Task[Any, Any], *ids: int) -> None:
        sent.append((str(task.name).rpartition(".")[2], ids))

    monkeypatch.setattr(queue, "_send", note)
    monkeypatch.setattr(queue, "transaction", SimpleNamespace(on_commit=lambda call, robust: call()))
    return sent


@pytest.fixture
def alice(db: None) -> User:
    """The owner."""
    return User.objects.create_user("alice", password=PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    """Somebody with an account and things of his own."""
    return User.objects.create_user("bob", password=PASSWORD)


@pytest.fixture
def charlie(db: None) -> User:
    """The stranger, who must see nothing of the others."""
    return User.objects.create_user("charlie", password=PASSWORD)


@pytest.fixture
def alice_client(alice: User) -> Client:
    """Alice's browser, logged in."""
    return logged_in(alice)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    """The stranger's browser, logged in."""
    return logged_in(charlie)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice_api(alice: User) -> Client:
    """A program with Alice's token."""
    return with_token(alice)


@pytest.fixture
def charlie_api(charlie: User) -> Client:
    """A program with the stranger's token."""
    return with_token(charlie)


def with_token(user: User) -> Client:
    _, plain = create_token(owner=user, name="test")
    return Client(headers={"authorization": f"Bearer {plain}"})
