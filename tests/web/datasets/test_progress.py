"""What the page says of an import that goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.web.factories import make_dataset
from tests.web.pages.reading import read
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.progress import import_now, time_left


def make_upload(dataset: Dataset, *, seconds: float = 0, **values: Any) -> Upload:
    values = {"name": "a.zip", "path": "uploads/a.zip", "size": 1, **values}
    started_at = timezone.now() - timedelta(seconds=seconds)
    return Upload.objects.create(dataset=dataset, started_at=started_at, **values)


@pytest.mark.parametrize(
    ("seconds", "done", "total", "words"),
    [
        (1, 500, 1000, ""),
        (10, 5, 1000, ""),
        (10, 500, 1000, "about 10 seconds left"),
        (10, 200, 1000, "about 40 seconds left"),
        (60, 500, 1000, "about 1 minute left"),
        (60, 100, 1000, "about 9 minutes left"),
        (600, 1000, 13_000, "about 2.0 hours left"),
        (10, 1000, 1000, "about 10 seconds left"),
    ],
)
def test_time_left_is_told_in_words(alice: User, seconds: float, done: int, total: int, words: str) -> None:
    upload = make_upload(make_dataset(alice), done=done, total=total, state=Upload.State.RUNNING)
    assert upload.started_at
    assert time_left(upload, upload.started_at + timedelta(seconds=seconds)) == words


def test_the_one_at_work_is_shown_and_the_rest_are_counted(alice: User, alice_client: Client) -> None:
    dataset = make_dataset(alice, state=Dataset.State.IMPORTING)
    make_upload(dataset, state=Upload.State.FINISHED)
    running = make_upload(dataset, state=Upload.State.RUNNING, done=600, total=1200, seconds=3600)
    for _ in range(2):
        make_upload(dataset)
    now = import_now(dataset)
    assert now is not None
    assert (now.upload, now.waiting) == (running, 2)
    text = read(alice_client, f"/datasets/{dataset.pk}/")
    assert "600 of 1,200 · about 60 minutes left" in text
    assert "2 more uploads wait behind this one." in text


def test_the_page_hears_of_it_when_another_upload_is_at_work(alice: User, alice_client: Client) -> None:
    dataset = make_dataset(alice, state=Dataset.State.IMPORTING)
    running = make_upload(dataset, state=Upload.State.RUNNING, done=30, total=1200)
    make_upload(dataset)
    address = f"/datasets/{dataset.pk}/status/"
    page = alice_client.get(address)
    digest = page.content.decode().partition('If-None-Match": "\\"')[2][:16]
    assert alice_client.get(address, headers={"if-none-match": f'"{digest}"'}).status_code == 304
    Upload.objects.filter(pk=running.pk).update(done=31)
    assert alice_client.get(address, headers={"if-none-match": f'"{digest}"'}).status_code == 200
