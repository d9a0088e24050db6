"""Old files that no row names are removed; nothing else is."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.web.factories import imported_dataset, label_files, make_dataset, zip_upload
from webapp.accounts.models import User
from webapp.core.tasks import sweep
from webapp.datasets import services, storage

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
