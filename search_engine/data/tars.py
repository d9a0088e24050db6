"""Read a tar that a stranger sent: forwards, one member at a time, and never to a path that it names.

The standard library's reader is not used: in the Python that we run on, it holds extended headers of any size
in memory, and loops or crawls on crafted ones (CVE-2024-6232, CVE-2025-8194). What is read here is ustar, the
long names of GNU and the extended headers of pax (POSIX.1-2001); members that are no plain files are told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from search_engine.data.limits import MIB, Limits
from search_engine.errors import ArchiveError

BLOCK = 512
MAX_HEADER = MIB  # of a long name or an extended header; real ones have some hundred bytes
STEP = 256 * 1024
BLANK = 8 * ord(" ")  # the checksum is made with blanks in its own place

FILE, FOLDER, LINK, OTHER, SPARSE = "file", "folder", "link", "other", "sparse"
KINDS = {b"0": FILE, b"\0": FILE, b"7": FILE, b"1": LINK, b"2": LINK, b"5": FOLDER, b"S": SPARSE}
KINDS |= {b"3": OTHER, b"4": OTHER, b"6": OTHER}
LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL = b"L", b"K", b"x", b"g"
NOTES = {b"D", b"M", b"V", b"N", b"X", b"A", b"I"}  # of backup programs: not files


class Readable(Protocol):
    def read(self, count: int, /) -> bytes: ...


class Member(NamedTuple):
    """A header: what follows it are ``size`` bytes."""

    name: str
    size: int
    kind: str


class TarReader:
    """The members of a tar, forwards.

    Iterating gives each member; until the next one is asked for, ``read`` gives its bytes.

    Args:
        stream: the tar, unpacked; a file that can seek is not read where nobody asks.
    """

    def __init__(self, stream: Readable | BinaryIO, limits: Limits) -> None:
        self.stream = stream
        self.limits = limits
        self.left = 0  # bytes of the present member, with the padding that follows
        self.size = 0

    def __iter__(self) -> Iterator[Member]:
        """Every member.

        Raises:
            ArchiveError: damaged, cut off, or too many members.
        """
        headers = 0
        name, size, sparse = "", None, False
        while (header := self._header()) is not None:
            headers += 1
            if headers > 4 * self.limits.max_files:
                raise _too_many(self.limits)
            kind = header[156:157]
            self.size = _number(header[124:136])
            self.left = -(-self.size // BLOCK) * BLOCK
            if kind == LONG_NAME:
                name = _text(self._extra().rstrip(b"\0"))
            elif kind == PAX:
                pax = _pax(self._extra())
                name = _text(pax[b"path"]) if b"path" in pax else name
                size = _decimal(pax[b"size"]) if b"size" in pax else size
                if any(key.startswith(b"GNU.sparse.") for key in pax):
                    sparse, name = True, _text(pax.get(b"GNU.sparse.name", b"")) or name
            elif kind in (LONG_LINK, PAX_GLOBAL) or kind in NOTES:
                pass
            else:
                yield self._member(header, name, size, sparse=sparse)
                name, size, sparse = "", None, False
            self.skip()

    def read(self) -> bytes:
        """The bytes of the present member; the caller has looked at its size."""
        data = self.stream.read(self.size) if self.size else b""
        if len(data) < self.size:
            raise _cut_off()
        self.left -= self.size
        self.size = 0
        return data

    def _member(self, header: bytes, name: str, size: int | None, *, sparse: bool) -> Member:
        kind = SPARSE if sparse else KINDS.get(header[156:157], OTHER)
        name = name or _plain_name(header)
        if kind == FILE and name.endswith("/"):  # how tar marked folders before it had a kind for them
            kind = FOLDER
        if size is not None:
            self.size, self.left = size, -(-size // BLOCK) * BLOCK
        if kind in (LINK, FOLDER):  # POSIX: no data follows, whatever the size says
            self.size = self.left = 0
        if header[156:157] == b"S":
            extended = header[482]
            while extended:
                extended = self._exactly(BLOCK)[504]
        return Member(name, self.size, kind)

    def _header(self) -> bytes | None:
        """The next header; None at the end."""
        block = self.stream.read(BLOCK)
        if len(block) < BLOCK:
            raise _cut_off()
        if not block.strip(b"\0"):
            return None
        if not is_header(block):
            raise _damaged()
        return block

    def _extra(self) -> bytes:
        if self.size > MAX_HEADER:
            raise ArchiveError("A name in the tar is longer than any name can be, so it was not opened.")
        return self.read()

    def _exactly(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise _cut_off()
        return data

    def skip(self) -> None:
        """Pass over what is left of the present member."""
        if self.left and isinstance(self.stream, SeekableTar):
            self.stream.skip(self.left)
        else:
            while self.left:
                self.left -= len(self._exactly(min(STEP, self.left)))
        self.left = self.size = 0


class SeekableTar:
    """A plain tar on disk."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.end = file.seek(0, 2)
        file.seek(0)

    def read(self, count: int) -> bytes:
        return self.file.read(min(count, self.end))

    def skip(self, count: int) -> None:
        if self.file.tell() + count > self.end:
            raise _cut_off()
        self.file.seek(count, 1)


def is_header(block: bytes) -> bool:
    """Whether a block of 512 bytes is a tar header, going by its checksum."""
    if len(block) < BLOCK:
        return False
    try:
        said = _number(block[148:156])
    except ArchiveError:
        return False
    return said == sum(block) - sum(block[148:156]) + BLANK


def _plain_name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0", 1)[0]):
        name = prefix + b"/" + name
    return _text(name)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _number(field: bytes) -> int:
    if field[0] == 0x80:  # GNU: too large for octal digits
        return int.from_bytes(field[1:], "big")
    try:
        number = int(field.split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError:
        raise _damaged() from None
    if number < 0:
        raise _damaged()
    return number


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 20:
        raise _damaged()
    return int(value)


def _pax(data: bytes) -> dict[bytes, bytes]:
    """Records of the form ``length key=value\\n``."""
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(data) and data[position : position + 1] != b"\0":
        space = data.find(b" ", position, position + 20)
        digits = data[position:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        record = data[space + 1 : position + length]
        key, equals, value = record.partition(b"=")
        fits = space + 1 - position < length <= len(data) - position
        if not fits or not equals or not value.endswith(b"\n"):
            raise _damaged()
        found[key] = value[:-1]
        position += length
    return found


def _too_many(limits: Limits) -> ArchiveError:
    return ArchiveError(f"The tar holds more than {limits.max_files:,} files. Upload it in parts.")


def _cut_off() -> ArchiveError:
    return ArchiveError("The tar is cut off: only part of it arrived. Upload it again.")


def _damaged() -> ArchiveError:
    return ArchiveError("The tar is damaged. Make it again and upload it again.")
