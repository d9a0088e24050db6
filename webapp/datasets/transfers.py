"""Files on their way in by tus 1.0: they arrive in pieces, and go on where they stopped.

A row and a file are all there is to a transfer, so it survives the death of any process. Bytes are on the
disk before the row's ``offset`` says so; what a crash leaves beyond it is cut off when the next piece comes.
The file's lock, which the kernel frees if its holder dies, lets one request at a time write.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from webapp.core.errors import UserError
from webapp.core.lookups import owned
from webapp.core.middleware import DISK_RESERVE
from webapp.datasets import services, storage
from webapp.datasets.models import Dataset, Transfer
from webapp.datasets.receiving import checked_file_name, checked_label

if TYPE_CHECKING:
    from io import FileIO

    from webapp.accounts.models import User

PIECE = 256 * 1024  # bytes read at a time; all that a transfer holds in memory
COMMIT_EVERY = 8 * 1024**2  # bytes that a crash can cost; an fsync each is cheap beside sending them
LIFETIME = timedelta(hours=24)  # of what has stopped, after its last byte
REMEMBERED = timedelta(days=7)  # rows of what is over answer as long, so that a late client is told


class Source(Protocol):
    """Where bytes come from: a request."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the sender says of a piece: an algorithm of ``hashlib`` and the digest."""

    algorithm: str
    digest: bytes


def start_transfer(*, dataset: Dataset, name: str, length: int, label: str = "") -> Transfer:
    """A transfer of which nothing has come yet.

    Args:
        length: bytes that are to come in all.
        label: for pictures in it that come without one.

    Raises:
        UserError: it is empty, too large for the site or for the disk, or the label will not do.
    """
    name = checked_file_name(name)
    if length == 0:
        raise UserError("empty_file", f"The file {name} is empty. Make it again and send it again.")
    if length > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES / 1024**3
        raise UserError("too_large", f"{name} is too large: at most {limit:g} GB can be sent.", status=413)
    free = max(0, shutil.disk_usage(settings.DATA_DIR).free - DISK_RESERVE)
    if length > free:
        raise UserError(
            "disk_full",
            f"{name} has {length / 1e9:.1f} GB, and the server's disk has room for {free / 1e9:.1f} GB. "
            "Free some room there and send it again.",
            status=507,
        )
    transfer = Transfer(
        dataset=dataset,
        key=secrets.token_urlsafe(32),
        name=name,
        label=checked_label(label),
        path=storage.new_upload_name(),
        length=length,
        expires_at=timezone.now() + LIFETIME,
    )
    path = path_of(transfer)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    storage.sync_folder(path.parent)
    transfer.save(force_insert=True)
    return transfer


def receive(
    transfer: Transfer, *, offset: int, size: int, source: Source, checksum: Checksum | None = None
) -> None:
    """Take a piece; ``transfer.offset`` then says how much is safely here, also if the connection broke.

    With its last byte the file becomes an upload, and its import is enqueued.

    Args:
        offset: where the sender thinks that it begins.
        size: bytes that are to come; fewer if the connection breaks.
        checksum: of the piece, which then counts as a whole or not at all.

    Raises:
        UserError: 409 it does not begin where we stopped, 413 it is longer than was said, 423 another request
            is writing, 410 the transfer is over, 460 the checksum differs, 507 the disk is full.
    """
    with opened(transfer) as file:
        check_fits(transfer, offset, size)
        file.truncate(offset)
        file.seek(offset)
        try:
            if checksum:
                write_checked(transfer, file, pieces(source, size), checksum)
            else:
                write_in_steps(transfer, file, pieces(source, size))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            with suppress(OSError):
                file.truncate(transfer.offset)
            raise disk_full(transfer) from error


@contextmanager
def opened(transfer: Transfer) -> Iterator[FileIO]:
    """The file of a transfer, which nobody else can write meanwhile, and the row as it is now.

    Raises:
        UserError: somebody else is writing, or the transfer is over.
    """
    try:
        # Unbuffered: closing a full disk's file must not try to write once more.
        file = path_of(transfer).open("r+b", buffering=0)
    except FileNotFoundError:
        check_arriving(transfer)
        raise over(transfer) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "locked", f"Another request is sending {transfer.name} just now. Try again.", status=423
            ) from None
        try:
            transfer.refresh_from_db()
        except Transfer.DoesNotExist:
            raise over(transfer) from None
        check_arriving(transfer)
        if os.fstat(file.fileno()).st_size < transfer.offset:
            raise over(transfer)
        yield file


def check_arriving(transfer: Transfer) -> None:
    """Raises:
    UserError: it is over, one way or the other.
    """
    if transfer.state == Transfer.State.DONE:
        raise UserError("arrived", f"{transfer.name} has arrived as a whole already.", status=409)
    if transfer.state == Transfer.State.EXPIRED or transfer.expires_at < timezone.now():
        raise over(transfer)


def over(transfer: Transfer) -> UserError:
    return UserError(
        "expired",
        f"What had come of {transfer.name} is not kept any more. Send it again from its beginning.",
        status=410,
    )


def disk_full(transfer: Transfer) -> UserError:
    return UserError(
        "disk_full",
        f"The server's disk is full. What came of {transfer.name} is kept: free some room, then go on.",
        status=507,
    )


def check_fits(transfer: Transfer, offset: int, size: int) -> None:
    """Whether a piece begins where we stopped, and ends within what was said."""
    if offset != transfer.offset:
        raise UserError(
            "wrong_offset",
            f"{transfer.offset:,} bytes of {transfer.name} are here, so the next piece begins there, "
            f"not at {offset:,}.",
            status=409,
        )
    if offset + size > transfer.length:
        raise UserError(
            "too_long",
            f"{transfer.name} was said to have {transfer.length:,} bytes; this piece would go beyond.",
            status=413,
        )


def pieces(source: Source, size: int) -> Iterator[bytes]:
    """What comes, until there are ``size`` bytes or the connection breaks or falls silent."""
    while size:
        try:
            piece = source.read(min(PIECE, size))
        except OSError:
            return
        if not piece:
            return
        size -= len(piece)
        yield piece


def write_all(file: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def write_in_steps(transfer: Transfer, file: FileIO, arriving: Iterator[bytes]) -> None:
    written = transfer.offset
    for piece in arriving:
        write_all(file, piece)
        written += len(piece)
        if written - transfer.offset >= COMMIT_EVERY:
            commit(transfer, file, written)
    if written > transfer.offset:
        commit(transfer, file, written)


def write_checked(transfer: Transfer, file: FileIO, arriving: Iterator[bytes], checksum: Checksum) -> None:
    digest, written = hashlib.new(checksum.algorithm, usedforsecurity=False), transfer.offset
    for piece in arriving:
        write_all(file, piece)
        digest.update(piece)
        written += len(piece)
    if digest.digest() != checksum.digest:
        file.truncate(transfer.offset)
        raise UserError(
            "checksum_mismatch",
            f"A piece of {transfer.name} did not arrive as it was sent. Send the piece again.",
            status=460,
        )
    if written > transfer.offset:
        commit(transfer, file, written)


def commit(transfer: Transfer, file: FileIO, offset: int) -> None:
    """Promise the bytes up to ``offset``; with the last one, the upload is made in the same transaction."""
    os.fsync(file.fileno())
    complete = offset == transfer.length
    state = Transfer.State.DONE if complete else Transfer.State.ARRIVING
    expires_at = timezone.now() + LIFETIME
    with transaction.atomic():
        ours = Transfer.objects.filter(pk=transfer.pk, state=Transfer.State.ARRIVING, offset=transfer.offset)
        if ours.update(offset=offset, state=state, expires_at=expires_at) != 1:
            raise over(transfer)  # it was cancelled meanwhile
        if complete:
            upload = services.add_upload(
                transfer.dataset,
                name=transfer.name,
                path=transfer.path,
                size=transfer.length,
                label=transfer.label,
            )
            Transfer.objects.filter(pk=transfer.pk).update(upload=upload)
    transfer.offset, transfer.state, transfer.expires_at = offset, state, expires_at


def cancel_transfer(transfer: Transfer) -> None:
    """Forget a transfer and what has come of it; a request that is sending it is told.

    Raises:
        UserError: it has arrived, so that the file is the import's.
    """
    if Transfer.objects.filter(pk=transfer.pk).exclude(state=Transfer.State.DONE).delete()[0] == 0:
        raise UserError(
            "arrived",
            f"{transfer.name} has arrived as a whole, and its pictures are being added.",
            status=409,
        )
    path_of(transfer).unlink(missing_ok=True)


def unfinished(user: User, dataset: Dataset | None = None) -> QuerySet[Transfer]:
    """A person's transfers that can go on, to one data set or to all, the newest first."""
    rows = owned(Transfer, user).filter(state=Transfer.State.ARRIVING, expires_at__gt=timezone.now())
    return (rows.filter(dataset=dataset) if dataset else rows).select_related("dataset")


def expire_transfers() -> int:
    """Free the room of what has not gone on for a day; how many there were. A chore."""
    now, ended = timezone.now(), 0
    for transfer in Transfer.objects.filter(state=Transfer.State.ARRIVING, expires_at__lt=now):
        still = Transfer.objects.filter(pk=transfer.pk, state=Transfer.State.ARRIVING, expires_at__lt=now)
        if still.update(state=Transfer.State.EXPIRED) == 1:
            path_of(transfer).unlink(missing_ok=True)
            ended += 1
    forgotten = Transfer.objects.exclude(state=Transfer.State.ARRIVING).filter(
        expires_at__lt=now - REMEMBERED
    )
    forgotten.delete()
    return ended


def path_of(transfer: Transfer) -> Path:
    return Path(settings.DATA_DIR) / transfer.path
