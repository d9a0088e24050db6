"""Old files that no row names are removed; nothing else is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from search_engine.data.manifest import read_manifest
from tests.web.factories import imported_dataset, label_files, make_dataset, zip_upload
from webapp.accounts.models import User
from webapp.core.tasks import sweep
from webapp.datasets import services, storage
from webapp.datasets.models import Dataset

TWO_DAYS = 2 * 24 * 3600


def make_old(path: Path) -> None:
    past = time.time() - TWO_DAYS
    os.utime(path, (past, past))


def test_it_removes_old_files_that_no_upload_names(alice: User, data_dir: Path) -> None:
    upload = services.receive_upload(dataset=make_dataset(alice), file=zip_upload(label_files()))
    names = ("uploads/old.zip", "tmp/old.upload", "uploads/fresh.zip", "tmp/fresh.upload")
    for name in names:
        (data_dir / name).write_bytes(b"x")
    for name in (*names[:2], upload.path):
        make_old(data_dir / name)
    sweep()
    left = {str(path.relative_to(data_dir)) for path in data_dir.glob("*/*")}
    assert left == {upload.path, "uploads/fresh.zip", "tmp/fresh.upload"}


def test_it_removes_folders_of_deleted_data_sets(alice: User) -> None:
    kept = storage.dataset_folder(imported_dataset(alice).pk)
    orphan = storage.dataset_folder(999_999)
    (orphan / "images").mkdir(parents=True)
    make_old(kept)
    make_old(orphan)
    sweep()
    assert kept.exists()
    assert not orphan.exists()


def prepared(dataset: Dataset, data_dir: Path) -> Path:
    """A folder of decoded pictures, as an engine leaves it for the next search."""
    assert dataset.latest
    manifest = read_manifest(services.write_version_manifest(dataset.latest))
    pack = data_dir / "cache" / manifest.digest / "pack-64"
    pack.mkdir(parents=True)
    return pack


def test_it_removes_what_engines_made_of_pictures_that_are_gone(alice: User, data_dir: Path) -> None:
    kept, trunks = prepared(imported_dataset(alice), data_dir), data_dir / "cache" / "trunks"
    orphan = data_dir / "cache" / "0123456789abcdef"
    for folder in (trunks, orphan):
        folder.mkdir()
    sweep()
    assert (kept.exists(), trunks.exists(), orphan.exists()) == (True, True, False)


@pytest.mark.django_db(transaction=True)
def test_deleting_a_data_set_deletes_what_engines_made_of_it(alice: User, data_dir: Path) -> None:
    gone, kept = imported_dataset(alice), imported_dataset(alice)
    pack, other = prepared(gone, data_dir), prepared(kept, data_dir)
    services.delete_dataset(dataset=gone)
    assert not pack.exists()
    assert other.exists()
