"""Look through an upload, file by file: each is a picture with a label, or is rejected with a reason.

Accepted and rejected files together are always as many as ``count_archive`` announced. Clutter of operating
systems, hidden files, and text files beside the label folders are neither.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from PIL import Image

from search_engine.data import archive as zips
from search_engine.data.archive import DEFAULT_LIMITS, Limits, MemberError
from search_engine.data.decode import PictureError, decode_image
from search_engine.data.names import is_system, is_text, label_depth, parts_of, printable, why_unsafe
from search_engine.errors import ArchiveError, DatasetError

__all__ = [
    "Found",
    "Limits",
    "PictureError",
    "Reason",
    "Rejected",
    "Scanned",
    "count_archive",
    "count_folder",
]
__all__ += ["decode", "scan", "scan_archive", "scan_folder"]

decode = decode_image
EXTENSIONS = {"JPEG": "jpg", "TIFF": "tif"}
ADVICE = "Put your pictures into one folder per label and compress these folders to a zip file."


class Reason(StrEnum):
    """Why a file did not become a picture."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NOT_A_PICTURE = "not_a_picture"
    FORMAT = "format"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    NO_LABEL = "no_label"
    UNSAFE_NAME = "unsafe_name"
    SAME_NAME = "same_name"
    LINK = "link"
    BOMB = "bomb"


@dataclass(frozen=True, slots=True)
class Found:
    """A picture.

    Attributes:
        name: path inside the upload, as uploaded.
        labels: from the folder or the manifest, in Unicode's composed form; empty for an unlabelled picture.
        data: the file, byte for byte.
        sha256: of ``data``, hexadecimal.
        format: one of ``decode.FORMATS``: ``JPEG``, ``PNG``, ``WEBP``, ...
        width, height: in pixels, of the upright picture.
        image: the picture, decoded as ``decode`` does it; saves doing it again for a thumbnail.
    """

    name: str
    labels: tuple[str, ...]
    data: bytes = field(repr=False)
    sha256: str
    format: str
    width: int
    height: int
    image: Image.Image | None = field(default=None, repr=False, compare=False)

    @property
    def extension(self) -> str:
        """The usual ending of a file of this format, without the dot."""
        return EXTENSIONS.get(self.format, self.format.lower())


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that cannot be used; ``reason`` is a sentence that says what is wrong and what to do."""

    name: str
    code: Reason
    reason: str


Scanned = Found | Rejected


class _RefusedError(Exception):
    """Carries the reason from where it is noticed to where the file's name is known."""

    def __init__(self, code: Reason, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Entry:
    """A file of the upload: how it is called, where that leads, and how to get its bytes."""

    __slots__ = ("name", "parts", "read", "unsafe")

    def __init__(self, name: str, read: Callable[[], bytes]) -> None:
        self.name = name
        self.parts = parts_of(name)
        self.unsafe = why_unsafe(name)
        self.read = read


def count_archive(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """How many files of a zip will be reported.

    Raises:
        ArchiveError: the whole archive must be refused; the text says why and what to do.
    """
    with zips.open_archive(path, limits) as archive:
        return len(_archive_entries(archive, limits)[0])


def count_folder(path: Path) -> int:
    """How many files of a folder will be reported."""
    return len(_folder_entries(path, DEFAULT_LIMITS)[0])


def scan_archive(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """Every file of a zip of label folders, one at a time; memory holds one file, however many there are.

    Raises:
        ArchiveError: as ``count_archive``; or at the end, when there was no usable picture at all.
    """
    with zips.open_archive(path, limits) as archive:
        yield from _scan(*_archive_entries(archive, limits), limits)


def scan_folder(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """Every file of a folder of label folders, in the order of their names.

    Folders that are links are left out, since they may lead in circles.

    Raises:
        DatasetError: there is no such folder, or there was no usable picture at all.
    """
    yield from _scan(*_folder_entries(path, limits), limits)


def scan(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """``scan_folder`` or ``scan_archive``, whichever the path is."""
    return scan_folder(path, limits=limits) if path.is_dir() else scan_archive(path, limits=limits)


def _scan(entries: list[_Entry], depth: int, limits: Limits) -> Iterator[Scanned]:
    seen: set[tuple[str, ...]] = set()
    accepted = 0
    refused: list[Rejected] = []
    for entry in entries:
        try:
            result: Scanned = _look_at(entry, depth, seen, limits)
            accepted += 1
        except _RefusedError as error:
            result = Rejected(printable(entry.name), error.code, str(error))
            if len(refused) < 3:
                refused.append(result)
        yield result
    if not accepted:
        first = " ".join(f"{rejected.name[-100:]}: {rejected.reason}" for rejected in refused)
        raise ArchiveError(f"None of the {len(entries):,} files is a picture that can be used. {first}")


def _look_at(entry: _Entry, depth: int, seen: set[tuple[str, ...]], limits: Limits) -> Found:
    if entry.unsafe:
        raise _RefusedError(Reason.UNSAFE_NAME, entry.unsafe)
    if entry.parts in seen:
        raise _RefusedError(Reason.SAME_NAME, "The zip holds two files of this name; the first one was used.")
    seen.add(entry.parts)
    if len(entry.parts) < depth + 2:
        raise _RefusedError(
            Reason.NO_LABEL, "It lies outside the label folders. Move it into the folder of its label."
        )
    data = entry.read()
    try:
        image = decode_image(data, max_pixels=limits.max_pixels)
    except PictureError as error:
        raise _RefusedError(Reason(error.code), str(error)) from error
    if min(image.size) < limits.min_side:
        size = f"{image.width} x {image.height} pixels"
        raise _RefusedError(
            Reason.TOO_SMALL, f"The picture is only {size}; it needs {limits.min_side} on each side."
        )
    return Found(
        name=printable(entry.name),
        labels=(entry.parts[depth],),
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        format=image.format or "",
        width=image.width,
        height=image.height,
        image=image,
    )


def _plan(entries: Iterable[_Entry]) -> tuple[list[_Entry], int]:
    """Leave out clutter and the notes beside the label folders; find where the labels are."""
    kept = [entry for entry in entries if entry.unsafe or not is_system(entry.parts)]
    depth = label_depth(entry.parts for entry in kept if not entry.unsafe)
    reported = [
        entry
        for entry in kept
        if entry.unsafe or len(entry.parts) > depth + 1 or not is_text(entry.parts[-1])
    ]
    if not reported:
        notes = f": only {printable(kept[0].name)} and the like" if kept else ""
        raise ArchiveError(f"There are no pictures in it{notes}. {ADVICE}")
    return reported, depth


def _archive_entries(archive: zipfile.ZipFile, limits: Limits) -> tuple[list[_Entry], int]:
    def entry(member: zipfile.ZipInfo) -> _Entry:
        return _Entry(zips.name_of(member), partial(_read_member, archive, member, limits))

    return _plan(entry(member) for member in archive.infolist() if not member.is_dir())


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bytes:
    if zips.is_link(member):
        raise _RefusedError(Reason.LINK, "It is a link to another file. Put the picture itself into the zip.")
    if zips.is_bomb(member, limits):
        raise _RefusedError(Reason.BOMB, "It unpacks to far more than a picture does, so it was not opened.")
    if member.file_size > limits.max_file_bytes:
        raise _too_large(limits)
    try:
        return zips.read_member(archive, member)
    except MemberError as error:
        raise _RefusedError(Reason.DAMAGED, str(error)) from error


def _folder_entries(folder: Path, limits: Limits) -> tuple[list[_Entry], int]:
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}.")

    def walk() -> Iterator[_Entry]:
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for file in sorted(files):
                path = Path(parent, file)
                name = path.relative_to(folder).as_posix()
                yield _Entry(name, partial(_read_file, path, limits))

    return _plan(walk())


def _read_file(path: Path, limits: Limits) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _RefusedError(
                Reason.LINK, "It is not a plain file. Put the picture itself into the folder."
            )
        if facts.st_size > limits.max_file_bytes:
            raise _too_large(limits)
        return path.read_bytes()
    except OSError as error:
        raise _RefusedError(Reason.DAMAGED, f"It cannot be read ({error.strerror}).") from error


def _too_large(limits: Limits) -> _RefusedError:
    return _RefusedError(
        Reason.TOO_LARGE,
        f"The file is larger than {limits.max_file_bytes // zips.MIB} MB. Make the picture smaller.",
    )
