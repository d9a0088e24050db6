"""Imports whose worker dies, whose disk is full, whose data set is deleted under them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from search_engine.data.scan import open_scan
from tests.web.factories import label_files, make_dataset, zip_upload
from webapp.accounts.models import User
from webapp.datasets import committing, recovery, services, staging, storage
from webapp.datasets.claims import Claim, LostClaimError, claim_upload
from webapp.datasets.committing import commit
from webapp.datasets.models import Dataset, Image, Upload
from webapp.datasets.splitting import Split
from webapp.datasets.tasks import import_upload, requeue_lost

Enqueued = list[tuple[str, tuple[int, ...]]]


@pytest.fixture
def upload(alice: User) -> Upload:
    return services.receive_upload(dataset=make_dataset(alice), file=zip_upload(label_files()))


def age(upload: Upload, **fields: float) -> None:
    """Move times of an upload into the past, by seconds."""
    now = timezone.now()
    past = {name: now - timedelta(seconds=seconds) for name, seconds in fields.items()}
    Upload.objects.filter(pk=upload.pk).update(**past)


def test_a_message_that_comes_twice_imports_once(upload: Upload) -> None:
    import_upload(upload.pk)
    import_upload(upload.pk)
    assert upload.dataset.versions.count() == 1
    assert Image.objects.count() == 16


def test_only_one_worker_gets_a_claim(upload: Upload) -> None:
    assert claim_upload(upload.pk) is not None
    assert claim_upload(upload.pk) is None


def test_a_worker_thought_dead_cannot_write_when_it_comes_back(upload: Upload) -> None:
    late = claim_upload(upload.pk)
    assert late is not None
    staged = staging.stage(late)
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.QUEUED)
    import_upload(upload.pk)
    with pytest.raises(LostClaimError):
        commit(late, staged)
    assert upload.dataset.versions.count() == 1
    assert Image.objects.count() == 16


def test_a_silent_worker_loses_its_upload_and_the_next_finishes_it(
    upload: Upload, enqueued: Enqueued
) -> None:
    claim = claim_upload(upload.pk)
    assert claim is not None
    staging.stage(claim)  # files were written, then the worker died
    age(upload, heartbeat_at=3600)
    enqueued.clear()
    requeue_lost()
    assert enqueued == [("import_upload", (upload.pk,))]
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.attempts, upload.accepted) == ("finished", 2, 16)


def test_a_living_worker_keeps_its_upload(upload: Upload, enqueued: Enqueued) -> None:
    claim_upload(upload.pk)
    enqueued.clear()
    requeue_lost()
    assert enqueued == []


def test_a_worker_says_that_it_lives_while_a_slow_disk_takes_the_pictures(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing, lives = Event(), Event()
    tick = staging.Progress.tick

    def sync() -> None:
        syncing.set()
        assert lives.wait(20), "nothing was said while the disk was busy"

    def noted(progress: staging.Progress, staged: staging.Staged, *, now: bool = False) -> None:
        tick(progress, staged, now=now)
        if syncing.is_set():
            lives.set()

    monkeypatch.setattr(os, "sync", sync)
    monkeypatch.setattr(staging.Progress, "tick", noted)
    monkeypatch.setattr(staging, "PROGRESS_SECONDS", 0.02)
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert upload.state == Upload.State.FINISHED


def test_an_upload_that_kills_three_workers_is_failed(upload: Upload, data_dir: Path) -> None:
    claim_upload(upload.pk)
    Upload.objects.filter(pk=upload.pk).update(attempts=recovery.MAX_ATTEMPTS)
    age(upload, heartbeat_at=3600)
    assert recovery.lost_uploads() == []
    upload.refresh_from_db()
    assert upload.state == Upload.State.FAILED
    assert "broken off 3 times" in upload.error
    upload.dataset.refresh_from_db()
    assert upload.dataset.state == Dataset.State.FAILED
    assert list((data_dir / "uploads").iterdir()) == []


def test_a_worker_that_was_given_up_cannot_commit_files_that_are_being_removed(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claim_upload(upload.pk)
    assert claim
    Upload.objects.update(attempts=recovery.MAX_ATTEMPTS)
    late = replace(claim, attempt=recovery.MAX_ATTEMPTS)
    staged = staging.stage(late)
    age(upload, heartbeat_at=3600)
    discard = storage.discard_files

    def wakes_up(dataset_id: int, *, keep: set[str] | None = None) -> None:
        discard(dataset_id, keep=keep)
        with pytest.raises(LostClaimError):
            commit(late, staged)

    monkeypatch.setattr(storage, "discard_files", wakes_up)
    recovery.lost_uploads()
    upload.refresh_from_db()
    assert upload.state == Upload.State.FAILED
    assert not Image.objects.exists()


def test_a_worker_says_that_it_lives_while_a_large_tar_is_opened(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives, opening = Event(), open_scan

    @contextmanager
    def slow(*args: Any, **kwargs: Any) -> Iterator[Any]:
        assert lives.wait(20), "nothing was said while the tar was opened"
        with opening(*args, **kwargs) as scan:
            yield scan

    monkeypatch.setattr(staging, "open_scan", slow)
    monkeypatch.setattr(staging.Progress, "tick", lambda *args, **kwargs: lives.set())
    monkeypatch.setattr(staging, "PROGRESS_SECONDS", 0.02)
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert upload.state == Upload.State.FINISHED


def test_a_lost_message_is_sent_again_after_a_minute(upload: Upload, enqueued: Enqueued) -> None:
    enqueued.clear()
    requeue_lost()
    assert enqueued == []
    age(upload, enqueued_at=61)
    requeue_lost()
    requeue_lost()
    assert enqueued == [("import_upload", (upload.pk,))]


def test_progress_and_heartbeat_are_written_while_it_works(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    write = storage.write_file

    def spy(path: Path, data: bytes) -> None:
        seen.append(Upload.objects.values_list("done", "total").get(pk=upload.pk))
        write(path, data)

    monkeypatch.setattr(storage, "write_file", spy)
    monkeypatch.setattr(staging, "PROGRESS_SECONDS", 0.0)
    import_upload(upload.pk)
    assert seen[0] == (0, 16)
    assert seen[-1] == (15, 16)


def test_a_full_disk_is_told_and_leaves_nothing(
    upload: Upload, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = storage.write_file, [0]

    def full_after_five(path: Path, data: bytes) -> None:
        written[0] += 1
        if written[0] > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(storage, "write_file", full_after_five)
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert upload.state == Upload.State.FAILED
    assert "disk is full" in upload.error
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


def test_a_disk_that_fills_in_the_middle_of_a_file_leaves_nothing(
    upload: Upload, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = Path.write_bytes, [0]

    def half(path: Path, data: bytes) -> int:
        written[0] += 1
        if written[0] > 5:
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", half)
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert "disk is full, so pictures.zip was not imported. Free some room" in upload.error
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


def test_a_disk_that_is_full_when_the_rows_are_written_is_told(
    upload: Upload, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(committing, "add_images", full)
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert "disk is full" in upload.error
    assert not upload.dataset.versions.exists()
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


def test_a_zip_that_vanished_is_asked_for_again(upload: Upload, data_dir: Path) -> None:
    (data_dir / upload.path).unlink()
    import_upload(upload.pk)
    upload.refresh_from_db()
    assert "pictures.zip is not on the server any more" in upload.error


def test_a_data_set_deleted_while_it_imports_leaves_no_folder(
    upload: Upload, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, store = upload.dataset_id, staging.store

    def delete_then_store(*args: object) -> object:
        Dataset.objects.filter(pk=dataset_id).delete()
        return store(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "store", delete_then_store)
    monkeypatch.setattr(staging, "PROGRESS_SECONDS", 0.0)
    import_upload(upload.pk)
    assert not storage.dataset_folder(dataset_id).exists()
    assert not Image.objects.exists()


def test_lost_after_is_a_setting(upload: Upload, settings: Settings) -> None:
    claim_upload(upload.pk)
    age(upload, heartbeat_at=30)
    settings.LOST_AFTER_SECONDS = 10.0
    assert recovery.lost_uploads() == [upload.pk]


class Died(BaseException):
    """A worker that is killed runs no handler of ours."""


def die_at(point: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have the worker die when it touches disk or database for this time; how often it did so far."""
    count = [0]

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == point:
                raise Died
            return call(*args, **kwargs)

        return wrapped

    monkeypatch.setattr(storage, "write_file", deadly(storage.write_file))
    monkeypatch.setattr(os, "sync", deadly(os.sync))
    for owner, name in (
        (QuerySet, "update"),
        (QuerySet, "bulk_create"),
        (QuerySet, "create"),
        (Claim, "discard_file"),
    ):
        monkeypatch.setattr(owner, name, deadly(getattr(owner, name)))
    return count


def outcome(dataset: Dataset, data_dir: Path) -> object:
    """All that an import leaves, but for what differs from one to the next."""
    images = Image.objects.filter(dataset=dataset).order_by("name")
    rows = [(i.name, i.sha256, i.split, i.split_by, [label.name for label in i.labels.all()]) for i in images]
    files = sorted(path.relative_to(data_dir).parts[2:] for path in data_dir.rglob("*") if path.is_file())
    uploads = list(dataset.uploads.order_by("pk").values_list("state", "accepted", "rejected"))
    return rows, files, uploads, dataset.state, [version.summary for version in dataset.versions.all()]


def two_uploads(owner: User) -> Dataset:
    dataset = make_dataset(owner)
    for files in (label_files(each=3), label_files(("blue", "red"), each=5)):
        services.receive_upload(dataset=dataset, file=zip_upload(files))
    return dataset


def finish(dataset: Dataset) -> None:
    """What beat does after a worker's death, until nothing is left to do; a day passes."""
    while waiting := dataset.uploads.exclude(state__in=("finished", "failed")):
        for upload in waiting:
            age(upload, heartbeat_at=3600, enqueued_at=3600)
        for pk in recovery.lost_uploads():
            import_upload(pk)
    recovery.sweep_files()
    dataset.refresh_from_db()


def test_a_worker_may_die_at_any_point(alice: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "splits_of", fixed_splits)
    monkeypatch.setattr(recovery, "KEEP_SECONDS", -60.0)
    whole = two_uploads(alice)
    finish(whole)
    expected = outcome(whole, data_dir)
    point, died = 0, True
    while died:
        storage.discard_files(whole.pk)
        whole.delete()
        point += 1
        whole = two_uploads(alice)
        with monkeypatch.context() as patch:
            count = die_at(point, patch)
            with suppress(Died):
                for upload in whole.uploads.order_by("pk"):
                    import_upload(upload.pk)
            died = count[0] >= point
        finish(whole)
        assert outcome(whole, data_dir) == expected, point
    assert point > 50


def fixed_splits(dataset_id: int, kept: list[staging.Kept], groups: dict[str, str]) -> list[Split]:
    """The draw depends on the data set's number, which is another one each time."""
    return [Split("train") for _ in kept]
