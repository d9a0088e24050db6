"""First half of an import: the pictures of an upload as files, under names that come from their content.

No row exists yet that names them, so a worker may die anywhere: the next attempt writes the same files.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from search_engine.data.decoders import shared_decoders
from search_engine.data.quality import Facts
from search_engine.data.scan import Found, Rejected, open_scan
from webapp.core.errors import UserError
from webapp.datasets import sample, storage
from webapp.datasets.claims import Claim
from webapp.datasets.copies import Clash, Copies
from webapp.datasets.grouping import grouping
from webapp.datasets.models import Dataset, ImageLabel, Upload

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0  # a write a second is plenty for a page, and spares the database
MAX_LABEL = 255
T = TypeVar("T")


class Kept(NamedTuple):
    """A picture that was taken, without its bytes: 60,000 of them must fit in memory."""

    name: str
    labels: tuple[str, ...]
    sha256: str
    format: str
    width: int
    height: int
    size: int
    split: str | None = None  # if the upload says so
    facts: Facts | None = None


class Refused(NamedTuple):
    """A file that was not taken; ``code`` is for programs, ``reason`` for people.

    ``sha256`` is set for a copy: the picture that it copies has the same.
    """

    name: str
    code: str
    reason: str
    sha256: str = ""


@dataclass
class Staged:
    """What an import has found; its files lie on disk, its rows do not exist yet.

    Attributes:
        clashes: pictures whose copies were to be in another split.
        empty_labels: labels in whose folders no picture was, with the name of such a folder.
        groups: the group of each content that has near-duplicates, old and new.
    """

    kept: list[Kept] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    empty_labels: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)


def stage(claim: Claim) -> Staged:
    """Write the pictures of an upload to disk and say what was found.

    Raises:
        UserError: what is in it cannot be used in this data set.
        DatasetError: what was uploaded cannot be read as a whole.
        LostClaimError: the upload is not ours any more.
    """
    if claim.kind == Upload.Kind.SAMPLE:
        sample.write_sample(claim.path)
        claim.update(size=claim.path.stat().st_size)
    staged = Staged()
    copies = Copies(claim.dataset_id, staged.clashes)
    several = takes_several_labels(claim.dataset_id)
    used: set[str] = set()
    decoders = shared_decoders(settings.IMPORT_WORKERS)
    progress = Progress(claim)
    with ExitStack() as stack:
        opened = open_scan(claim.path, name=claim.name, label=claim.label, decoders=decoders)
        # A large packed tar is unpacked once before anybody knows what is in it.
        scan = beside(progress, staged, partial(stack.enter_context, opened))
        claim.update(total=scan.total, heartbeat_at=timezone.now())
        for item in scan:
            refused = refusal(item, copies)
            if refused is not None:
                staged.refused.append(refused)
            elif isinstance(item, Found):
                if len(item.labels) > 1 and not several:
                    raise has_several_labels(item)
                staged.kept.append(store(claim.dataset_id, item))
            if isinstance(item, Found):
                used.update(item.labels)
            progress.tick(staged)
    staged.empty_labels = {label: scan.labels[label] or label for label in sorted(scan.labels.keys() - used)}
    if not staged.kept and all(each.code != "duplicate" for each in staged.refused):
        raise UserError("no_pictures", f"No picture was added.{first_refusal(staged)}")
    progress.tick(staged, now=True)
    staged.groups = beside(progress, staged, grouping(claim.dataset_id, staged.kept))
    beside(progress, staged, os.sync)  # the pictures, before the rows that promise them
    return staged


def takes_several_labels(dataset_id: int) -> bool:
    """Whether pictures with several labels may be added: they may until there are pictures with one."""
    is_multi = Dataset.objects.filter(pk=dataset_id, task=Dataset.Task.MULTI).exists()
    return is_multi or not ImageLabel.objects.filter(image__dataset_id=dataset_id).exists()


def has_several_labels(found: Found) -> UserError:
    labels = ", ".join(f"“{label[:40]}”" for label in found.labels[:3])
    return UserError(
        "several_labels",
        f"{found.name[-200:]} has several labels ({labels}), but in this data set every picture has one, so "
        "nothing was added. Make a new data set for these pictures, or give each of them one label.",
    )


def refusal(item: Found | Rejected, copies: Copies) -> Refused | None:
    """Why a file is not taken, or None if it is; what is taken is noted in ``copies``."""
    if isinstance(item, Rejected):
        return Refused(item.name, str(item.code), item.reason)
    if any(len(label) > MAX_LABEL for label in item.labels):
        reason = f"Its label is too long. Use at most {MAX_LABEL} characters."
        return Refused(item.name, "label_too_long", reason)
    if reason := copies.why_not(item):
        return Refused(item.name, "duplicate", reason, item.sha256)
    return None


def store(dataset_id: int, found: Found) -> Kept:
    """Write the original and its thumbnail."""
    storage.write_file(storage.image_file(dataset_id, found.sha256, found.format), found.data)
    storage.write_file(storage.thumbnail_file(dataset_id, found.sha256), found.thumbnail)
    return Kept(
        name=found.name,
        labels=found.labels,
        sha256=found.sha256,
        format=found.format,
        width=found.width,
        height=found.height,
        size=len(found.data),
        split=found.split,
        facts=found.facts,
    )


class Progress:
    """Says in the upload's row how far we are and that we live, at most once a second."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.said_at = time.monotonic()

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


def beside(progress: Progress, staged: Staged, work: Callable[[], T]) -> T:
    """What long work gives, such as waiting until all is on the disk (file by file it would take minutes).

    It may take longer than the silence after which we are taken for dead, so we go on saying that we live.
    """
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        while not wait([working], PROGRESS_SECONDS).done:
            progress.tick(staged, now=True)
        return working.result()


def first_refusal(staged: Staged) -> str:
    """The refused files in a sentence, for an error that would otherwise leave people guessing."""
    if not staged.refused:
        return ""
    count, first = len(staged.refused), staged.refused[0]
    files = "1 file was rejected" if count == 1 else f"{count:,} files were rejected; the first"
    return f" {files}: {first.name[-200:]}. {first.reason}"
