"""Where pictures lie on disk. Names come from content, so nothing that somebody uploaded names a file."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from webapp.datasets.models import Image

EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"}


def new_upload_name() -> str:
    """A fresh path for an upload, relative to DATA_DIR."""
    return f"uploads/{secrets.token_hex(16)}.zip"


def dataset_folder(dataset_id: int) -> Path:
    """Everything on disk that belongs to a data set."""
    return Path(settings.DATA_DIR) / "datasets" / str(dataset_id)


def image_name(sha256: str, image_format: str) -> str:
    """The path of an original, relative to the data set's ``images``."""
    extension = image_format.lower()
    return f"{sha256[:2]}/{sha256}.{EXTENSIONS.get(extension, extension)}"


def image_file(dataset_id: int, sha256: str, image_format: str) -> Path:
    return dataset_folder(dataset_id) / "images" / image_name(sha256, image_format)


def thumbnail_file(dataset_id: int, sha256: str) -> Path:
    return dataset_folder(dataset_id) / "thumbnails" / sha256[:2] / f"{sha256}.webp"


def image_path(image: Image) -> Path:
    """The original, byte for byte as it was uploaded."""
    return image_file(image.dataset_id, image.sha256, image.format)


def thumbnail_path(image: Image) -> Path:
    """The WebP thumbnail, at most 256 pixels wide and high."""
    return thumbnail_file(image.dataset_id, image.sha256)


def write_file(path: Path, data: bytes) -> None:
    """Write a file in one step. The caller syncs: once for thousands of files is far cheaper than each."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            new.write_bytes(data)
        except FileNotFoundError:  # for all but 256 of the pictures the folder is there
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_bytes(data)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def sync_file(path: Path) -> None:
    """Have a file's content on the disk, and not only in memory, before anybody is told that we have it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk; without this a crash may forget a rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard_files(dataset_id: int, *, keep: set[str] | None = None) -> None:
    """Remove what an import that failed has left.

    Args:
        keep: hashes of the pictures that rows name; None to remove the whole folder.
    """
    folder = dataset_folder(dataset_id)
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for kind in ("images", "thumbnails"):
        for path in (folder / kind).glob("*/*"):
            if path.stem not in keep:
                path.unlink(missing_ok=True)
