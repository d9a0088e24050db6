"""First half of an import: the pictures of a zip as files, under names that come from their content.

No row exists yet that names them, so a worker may die anywhere: the next attempt writes the same files.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from io import BytesIO
from typing import NamedTuple

from django.db import OperationalError
from django.utils import timezone

from search_engine.data.scan import Found, Rejected, count_archive, decode, scan_archive
from webapp.core.errors import UserError
from webapp.datasets import sample, storage
from webapp.datasets.claims import Claim
from webapp.datasets.models import Image, ImageLabel

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 256
THUMBNAIL_QUALITY = 80
PROGRESS_SECONDS = 1.0  # a write a second is plenty for a page, and spares the database
MIN_PICTURES = 10  # fewer cannot be split in training, validation and test
MAX_LABEL = 255
Known = tuple[str, tuple[str, ...]]  # SHA-256 and labels


class Kept(NamedTuple):
    """A picture that was taken, without its bytes: 60,000 of them must fit in memory."""

    name: str
    labels: tuple[str, ...]
    sha256: str
    format: str
    width: int
    height: int
    size: int


class Refused(NamedTuple):
    """A file that was not taken; ``code`` is for programs, ``reason`` for people."""

    name: str
    code: str
    reason: str


@dataclass
class Staged:
    """What an import has found; its files lie on disk, its rows do not exist yet."""

    kept: list[Kept] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def stage(claim: Claim) -> Staged:
    """Write the pictures of an upload to disk and say what was found.

    Raises:
        UserError: what is in it cannot be used as a data set.
        ArchiveError: the archive as a whole cannot be read.
        LostClaimError: the upload is not ours any more.
    """
    if claim.is_sample:
        sample.write_sample(claim.path)
        claim.update(size=claim.path.stat().st_size)
    progress = Progress(claim, total=count_archive(claim.path))
    known = known_pictures(claim.dataset_id)
    seen = dict(known)
    staged = Staged()
    for item in scan_archive(claim.path):
        refused = refusal(item, seen)
        if refused is not None:
            staged.refused.append(refused)
        elif isinstance(item, Found):
            staged.kept.append(store(claim.dataset_id, item))
        progress.tick(staged)
    check_usable(staged, has_labels=any(labels for _, labels in known))
    progress.tick(staged, now=True)
    sync_disk(progress, staged)  # the pictures, before the rows that promise them
    return staged


def known_pictures(dataset_id: int) -> dict[Known, str]:
    """The pictures that the data set has now, by content and labels, with their names."""
    links = ImageLabel.objects.filter(image__dataset_id=dataset_id, removed_in=None, image__removed_in=None)
    labels: dict[int, list[str]] = {}
    for pk, label in links.values_list("image_id", "label__name").iterator(chunk_size=5000):
        labels.setdefault(pk, []).append(label)
    images = Image.objects.filter(dataset_id=dataset_id, removed_in=None)
    return {
        (sha256, tuple(sorted(labels.get(pk, ())))): name
        for pk, sha256, name in images.values_list("pk", "sha256", "name").iterator(chunk_size=5000)
    }


def refusal(item: Found | Rejected, seen: dict[Known, str]) -> Refused | None:
    """Why a file is not taken, or None if it is; what is taken is noted in ``seen``."""
    if isinstance(item, Rejected):
        return Refused(item.name, str(item.code), item.reason)
    if any(len(label) > MAX_LABEL for label in item.labels):
        reason = f"The name of its folder is too long for a label. Use at most {MAX_LABEL} characters."
        return Refused(item.name, "label_too_long", reason)
    first = seen.setdefault((item.sha256, tuple(sorted(item.labels))), item.name)
    if first is not item.name:
        reason = f"An exact copy of it is already in this data set ({first[-200:]}). It counts once."
        return Refused(item.name, "duplicate", reason)
    return None


def store(dataset_id: int, found: Found) -> Kept:
    """Write the original and its thumbnail."""
    storage.write_file(storage.image_file(dataset_id, found.sha256, found.format), found.data)
    storage.write_file(storage.thumbnail_file(dataset_id, found.sha256), thumbnail(found))
    return Kept(
        found.name, found.labels, found.sha256, found.format, found.width, found.height, len(found.data)
    )


def thumbnail(found: Found) -> bytes:
    """A picture as WebP, upright, at most 256 pixels wide and high; small pictures are not enlarged."""
    image = found.image or decode(found.data)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
    file = BytesIO()
    image.save(file, "WEBP", quality=THUMBNAIL_QUALITY)
    return file.getvalue()


class Progress:
    """Says in the upload's row how far we are and that we live, at most once a second."""

    def __init__(self, claim: Claim, *, total: int) -> None:
        self.claim = claim
        self.said_at = time.monotonic()
        claim.update(total=total, heartbeat_at=timezone.now())

    def tick(self, staged: Staged, *, now: bool = False) -> None:
        if not now and time.monotonic() - self.said_at < PROGRESS_SECONDS:
            return
        accepted, rejected = len(staged.kept), len(staged.refused)
        try:
            self.claim.update(
                done=accepted + rejected, accepted=accepted, rejected=rejected, heartbeat_at=timezone.now()
            )
        except OperationalError:  # a locked database: the next second will do, and the import goes on
            log.warning("Upload %d could not say how far it is.", self.claim.upload_id, exc_info=True)
        self.said_at = time.monotonic()


def sync_disk(progress: Progress, staged: Staged) -> None:
    """Wait until all that was written is on the disk; file by file it would take minutes.

    A slow disk takes longer than the silence after which we would be taken for dead, so we go on saying
    that we live.
    """
    with ThreadPoolExecutor(1) as beside:
        syncing = beside.submit(os.sync)
        while not wait([syncing], PROGRESS_SECONDS).done:
            progress.tick(staged, now=True)


def check_usable(staged: Staged, *, has_labels: bool) -> None:
    """Whether a network can be trained on the pictures at all.

    Raises:
        UserError: it cannot; the text says what to do.
    """
    if not staged.kept:
        raise UserError("no_pictures", f"No picture was added.{first_refusal(staged)}")
    if has_labels:
        return  # a version that could be trained on stays one when pictures are added
    labels = Counter(label for kept in staged.kept for label in kept.labels)
    if len(labels) < 2:
        raise UserError(
            "one_label",
            f"All pictures are in one folder, so there is only one label, “{next(iter(labels))[:80]}”. "
            f"Put the pictures of each kind into a folder of their own and send the zip again."
            f"{first_refusal(staged)}",
        )
    if len(staged.kept) < MIN_PICTURES:
        raise UserError(
            "too_few_pictures",
            f"There are only {len(staged.kept)} pictures that can be used; at least {MIN_PICTURES} are "
            "needed, and some 20 of each kind to learn much. Add more and send the zip again."
            f"{first_refusal(staged)}",
        )


def first_refusal(staged: Staged) -> str:
    """The refused files in a sentence, for an error that would otherwise leave people guessing."""
    if not staged.refused:
        return ""
    count, first = len(staged.refused), staged.refused[0]
    files = "1 file was rejected" if count == 1 else f"{count:,} files were rejected; the first"
    return f" {files}: {first.name[-200:]}. {first.reason}"
