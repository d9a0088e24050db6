"""Files that come in one request, by form or API: archives as they are, loose pictures as one zip.

A data set gets a version an upload, so a hundred pictures must be one upload, not a hundred.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from webapp.core.errors import UserError
from webapp.datasets import services, storage
from webapp.datasets.models import Dataset, Upload

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MAX_LABEL = 255


def checked_file_name(name: str) -> str:
    """The last part of a name as it came, as it is stored; it never names a file of ours."""
    name = name.replace("\0", "").encode(errors="ignore").decode().replace("\\", "/")
    return Path(name).name[:255] or "upload.zip"


def checked_label(label: str) -> str:
    """A label for pictures that come without one, as it is stored; empty for none.

    Raises:
        UserError: it is too long.
    """
    label = " ".join(label.replace("\0", "").encode(errors="ignore").decode().split())
    if len(label) > MAX_LABEL:
        raise UserError(
            "label_too_long",
            f"This label has {len(label)} characters; at most {MAX_LABEL} will do. Shorten it.",
        )
    return label


def receive_files(*, dataset: Dataset, files: Sequence[UploadedFile[Any]], label: str = "") -> list[Upload]:
    """Keep files that were sent together and have them imported.

    Args:
        label: for pictures among them that come without one.

    Raises:
        UserError: the data set is busy, a file is empty or too large, or the label will not do.
    """
    label = checked_label(label)
    for file in files:
        check_size(file)
    loose = [file for file in files if not is_archive(file.name or "")]
    together = loose if len(loose) > 1 else []
    uploads = []
    if together:
        uploads.append(receive_together(dataset, together, label))
    for file in files:
        if file not in together:
            uploads.append(services.receive_upload(dataset=dataset, file=file, label=label))
    return uploads


def receive_together(dataset: Dataset, files: Sequence[UploadedFile[Any]], label: str) -> Upload:
    path = storage.new_upload_name()
    target = Path(settings.DATA_DIR) / path
    try:
        keep_together(files, target)
        name, size = f"{len(files)} files.zip", target.stat().st_size
        return services.add_upload(dataset, name=name, path=path, size=size, label=label)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def check_size(file: UploadedFile[Any]) -> None:
    name, size = checked_file_name(file.name or ""), file.size or 0
    if size == 0:
        raise UserError("empty_file", f"The file {name} is empty. Make it again and send it again.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES / 1024**3
        raise UserError("too_large", f"{name} is too large: at most {limit:g} GB can be sent.", status=413)


def keep_together(files: Sequence[UploadedFile[Any]], target: Path) -> None:
    """Loose files as one zip, uncompressed: pictures are compressed already."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    names: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            name = unused_name(checked_file_name(file.name or ""), names)
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member, file.open() as source:
                shutil.copyfileobj(source, member, 1024 * 1024)
    target.chmod(0o600)
    storage.sync_file(target)
    storage.sync_folder(target.parent)


def unused_name(name: str, names: set[str]) -> str:
    """The name, numbered if it is taken: two folders on a phone may both have an IMG_0001.jpg."""
    path, number, free = Path(name), 2, name
    while free in names:
        free = f"{path.stem} ({number}){path.suffix}"
        number += 1
    names.add(free)
    return free
