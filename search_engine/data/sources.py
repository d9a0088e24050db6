"""Where files come from: a zip, a tar, a folder or one picture, all looked through in the same way.

Nothing is ever extracted. A source says what is in it before anything is read, and gives the bytes of one
file at a time, in the order of its entries; so a tar is unpacked forwards, with one file in memory.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from search_engine.data import archive as zips
from search_engine.data.archive import MemberError
from search_engine.data.decode import STARTS
from search_engine.data.limits import MIB, Limits
from search_engine.data.names import is_list
from search_engine.data.refusals import Reason, RefusedError
from search_engine.data.tars import FILE, FOLDER, LINK, SPARSE, Member, SeekableTar, TarReader, is_header
from search_engine.data.unpacking import Decoder, Unpacked, decoder_for
from search_engine.errors import ArchiveError, DatasetError

MAX_LISTS_BYTES = 64 * MIB  # of all the lists in a tar; they are kept from the first pass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a source.

    Attributes:
        number: in the order of the source.
        name: path inside the source, as uploaded; nothing that can be trusted.
        size: bytes, as the source claims.
    """

    number: int
    name: str
    size: int


class Source(Protocol):
    """A place with files.

    Attributes:
        entries: every file, in the order in which ``read`` must be called; some may be passed over.
        folders: the names of the folders that are in it, as far as it says.
    """

    entries: list[Entry]
    folders: list[str]

    def read(self, entry: Entry) -> bytes:
        """The bytes of a file.

        Raises:
            RefusedError: this one cannot be read, and why.
        """
        ...

    def read_list(self, entry: Entry) -> bytes:
        """The bytes of a list of labels; any time, in any order. Raises as ``read``."""
        ...


@contextmanager
def open_source(path: Path, limits: Limits, *, name: str = "") -> Iterator[Source]:
    """A folder or a file, known by its content.

    Args:
        name: of a single picture; otherwise that of the path.

    Raises:
        DatasetError: nothing that pictures can be taken from; the text says why and what to do.
        FileNotFoundError: there is nothing at the path.
    """
    if path.is_dir():
        yield FolderSource(path, limits)
        return
    with path.open("rb") as file:
        start = file.read(512)
        if decoder := decoder_for(start):
            yield TarSource(file, limits, decoder)
        elif is_header(start):
            yield TarSource(file, limits, None)
        elif looks_like_picture(start):
            yield FileSource(path, name or path.name, limits)
        else:
            with zips.open_archive(path, limits) as archive:
                yield ZipSource(archive, limits)


class ZipSource:
    """The members of a zip, after its directory has been checked."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self.archive = archive
        self.limits = limits
        members = archive.infolist()
        self.members = [member for member in members if not member.is_dir()]
        self.entries = [
            Entry(number, zips.name_of(member), member.file_size)
            for number, member in enumerate(self.members)
        ]
        self.folders = [zips.name_of(member) for member in members if member.is_dir()]

    def read(self, entry: Entry) -> bytes:
        member = self.members[entry.number]
        if zips.is_link(member):
            raise link("zip")
        if zips.is_bomb(member, self.limits):
            raise bomb()
        check_size(member.file_size, self.limits)
        try:
            return zips.read_member(self.archive, member)
        except MemberError as error:
            raise RefusedError(Reason.DAMAGED, str(error)) from error

    def read_list(self, entry: Entry) -> bytes:
        return self.read(entry)


class TarSource:
    """The members of a tar, packed or not: headers in a first pass, the bytes in a second one.

    Lists are small and wanted before any picture, so the first pass keeps them.
    """

    def __init__(self, file: BinaryIO, limits: Limits, make: Callable[[], Decoder] | None) -> None:
        self.file = file
        self.limits = limits
        self.make = make
        self.entries: list[Entry] = []
        self.folders: list[str] = []
        self.refused: dict[int, RefusedError] = {}
        self.lists: dict[int, bytes] = {}
        self._survey()
        self._reader, self._members = self._open()
        self._at = -1

    def read(self, entry: Entry) -> bytes:
        if refused := self.refused.get(entry.number):
            raise refused
        check_size(entry.size, self.limits)
        if entry.number <= self._at:
            raise ValueError("a tar is read forwards")
        while self._at < entry.number:
            if next(self._members).kind != FOLDER:
                self._at += 1
        return self._reader.read()

    def read_list(self, entry: Entry) -> bytes:
        if entry.number not in self.lists:
            raise too_large(self.limits)
        return self.lists[entry.number]

    def _open(self) -> tuple[TarReader, Iterator[Member]]:
        self.file.seek(0)
        stream = Unpacked(self.file, self.make, self.limits) if self.make else SeekableTar(self.file)
        reader = TarReader(stream, self.limits)
        return reader, iter(reader)

    def _survey(self) -> None:
        reader, members = self._open()
        names, total, before = 0, 0, 0
        for member in members:
            names += len(member.name)
            total += min(member.size, self.limits.max_file_bytes)
            if names > self.limits.max_names_bytes or len(self.folders) > self.limits.max_files:
                raise ArchiveError("The names in the tar are far too long. Upload it in parts.")
            if total > self.limits.max_total_bytes:
                size = f"more than {self.limits.max_total_bytes / 1024**3:.0f} GB"
                raise ArchiveError(f"The tar unpacks to {size}. Upload it in parts.")
            if member.kind == FOLDER:
                self.folders.append(member.name)
                continue
            if len(self.entries) == self.limits.max_files:
                limit = f"{self.limits.max_files:,}"
                raise ArchiveError(f"The tar holds more than {limit} files. Upload it in parts.")
            before = self._note(reader, member, before)

    def _note(self, reader: TarReader, member: Member, before: int) -> int:
        """Note a file; how many packed bytes were read up to its end."""
        number = len(self.entries)
        self.entries.append(Entry(number, member.name, member.size))
        if member.kind == SPARSE:
            self.refused[number] = RefusedError(
                Reason.DAMAGED, "It is stored with gaps, which cannot be read. Make the tar without --sparse."
            )
        elif member.kind != FILE:
            self.refused[number] = link("tar", is_link=member.kind == LINK)
        elif is_list(member.name) and sum(map(len, self.lists.values())) + member.size <= MAX_LISTS_BYTES:
            self.lists[number] = reader.read()
        if not isinstance(stream := reader.stream, Unpacked):
            return 0
        if member.size <= MIB:
            return stream.consumed
        reader.skip()
        packed = max(1, stream.consumed - before)
        if member.size > self.limits.max_ratio * packed:
            self.refused[number] = bomb()
        return stream.consumed


class FolderSource:
    """The files of a folder on disk. Nothing outside it is read, wherever its links lead."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        if not folder.is_dir():
            raise DatasetError(f"There is no folder {folder}.")
        self.folder = folder.resolve()
        self.limits = limits
        self.entries: list[Entry] = []
        self.folders: list[str] = []
        for path in self._walk():
            if len(self.entries) == limits.max_files:
                raise DatasetError(
                    f"The folder holds more than {limits.max_files:,} files. Add its folders one by one."
                )
            self.entries.append(Entry(len(self.entries), path.relative_to(self.folder).as_posix(), 0))

    def _walk(self) -> Iterator[Path]:
        for parent, folders, files in os.walk(self.folder):
            folders.sort()
            links = [name for name in folders if Path(parent, name).is_symlink()]
            folders[:] = [name for name in folders if name not in links]
            self.folders += [Path(parent, name).relative_to(self.folder).as_posix() for name in folders]
            yield from (Path(parent, name) for name in sorted(files + links))

    def read(self, entry: Entry) -> bytes:
        path = self.folder / entry.name
        try:
            if path.is_symlink() and path.exists() and not path.resolve().is_relative_to(self.folder):
                raise RefusedError(
                    Reason.LINK, "It is a link that leads out of the folder. Put the picture itself there."
                )
            return read_file(path, self.limits)
        except OSError as error:
            raise RefusedError(Reason.DAMAGED, f"It cannot be read ({error.strerror}).") from error

    def read_list(self, entry: Entry) -> bytes:
        return self.read(entry)


class FileSource:
    """One picture, by itself."""

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        # Only its last part: a name that comes with a folder says nothing about labels here.
        self.entries = [Entry(0, name.replace("\\", "/").rpartition("/")[2] or "picture", 0)]
        self.folders: list[str] = []

    def read(self, entry: Entry) -> bytes:
        return read_file(self.path, self.limits)

    def read_list(self, entry: Entry) -> bytes:
        return self.read(entry)


def read_file(path: Path, limits: Limits) -> bytes:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise RefusedError(Reason.LINK, "It is not a plain file. Put the picture itself into the folder.")
    check_size(facts.st_size, limits)
    return path.read_bytes()


def check_size(size: int, limits: Limits) -> None:
    if size > limits.max_file_bytes:
        raise too_large(limits)


def too_large(limits: Limits) -> RefusedError:
    return RefusedError(
        Reason.TOO_LARGE,
        f"The file is larger than {limits.max_file_bytes // MIB} MB. Make the picture smaller.",
    )


def bomb() -> RefusedError:
    return RefusedError(Reason.BOMB, "It unpacks to far more than a picture does, so it was not opened.")


def link(kind: str, *, is_link: bool = True) -> RefusedError:
    what = "a link to another file" if is_link else "a device and not a file"
    return RefusedError(Reason.LINK, f"It is {what}. Put the picture itself into the {kind}.")


def looks_like_picture(start: bytes) -> bool:
    """Whether a file of these first bytes is a picture, and not an archive with one in front."""
    netpbm = start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace()
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    return netpbm or webp or start[4:12] == b"ftypavif" or any(map(start.startswith, STARTS))
