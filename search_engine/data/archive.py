"""Open a zip that a stranger sent, without trusting a byte of it.

Nothing is ever extracted to a path that the archive names: members are read into memory one at a time, and
the caller decides where bytes go. What the directory of the archive claims is checked before any member is
read, and again while it is read.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from search_engine.data.limits import MIB, Limits
from search_engine.errors import ArchiveError

STEP = 256 * 1024  # bytes unpacked at a time
LOCAL_HEADER = 30  # bytes before name and data of a member
ENTRY = 46  # bytes of a directory entry before its name
END = 22  # bytes of the end record; at most 65,535 bytes of comment follow it
END_64, LOCATOR = 56, 20  # the same for large archives, and what points to it


class MemberError(Exception):
    """One member cannot be read; the text is for the person who sent the archive."""


@contextmanager
def open_archive(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """The archive, after its directory has been checked.

    Raises:
        ArchiveError: not a zip, cut off, locked with a password, too many files, overlapping members, or it
            would unpack to too much.
    """
    with path.open("rb") as file:
        try:
            _check_count(file, limits)
            archive = zipfile.ZipFile(file)
            _check_members(archive, limits)
        except (zipfile.BadZipFile, NotImplementedError, struct.error, EOFError, ValueError) as error:
            raise ArchiveError("The zip file is damaged. Make it again and upload it again.") from error
        with archive:
            yield archive


def name_of(member: zipfile.ZipInfo) -> str:
    """The name, whatever program made the archive.

    Without the UTF-8 flag the standard says code page 437; many programs write UTF-8 all the same, or add
    the Unicode name as an extra field (0x7075, Info-ZIP).
    """
    if member.flag_bits & 0x800:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437", errors="replace")
    try:
        return (_unicode_extra(member.extra, raw) or raw).decode("utf-8")
    except UnicodeDecodeError:
        return member.orig_filename


def is_link(member: zipfile.ZipInfo) -> bool:
    """Whether the member is a link, a device or anything else that is no plain file."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def is_bomb(member: zipfile.ZipInfo, limits: Limits) -> bool:
    """Whether the member unpacks to far more than pictures do."""
    return member.file_size > MIB and member.file_size > limits.max_ratio * max(1, member.compress_size)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one member, its checksum verified.

    The reader stops at the size that the directory claims, and steps bound what is unpacked beyond it, so a
    member that lies about its size fails its checksum and costs nothing.

    Raises:
        MemberError: packed in a rare way, or damaged.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MemberError("It is packed in a way that cannot be read. Make the zip with normal compression.")
    read = bytearray()
    try:
        with archive.open(member) as file:
            while step := file.read(STEP):
                read += step
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, struct.error) as error:
        raise MemberError("It is damaged inside the zip. Make the zip again and upload it again.") from error
    if len(read) != member.file_size:
        raise MemberError("It is cut off inside the zip. Make the zip again and upload it again.")
    return bytes(read)


def _check_members(archive: zipfile.ZipFile, limits: Limits) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if any(member.flag_bits & 0x41 for member in members):
        raise ArchiveError("The zip file is locked with a password. Make one without a password.")
    _check_overlap(archive)
    read = [m for m in members if not is_bomb(m, limits) and m.file_size <= limits.max_file_bytes]
    total = sum(member.file_size for member in read)
    packed = sum(member.compress_size for member in read)
    if total > limits.max_total_bytes:
        size = f"{total / 1024**3:.0f} GB; the limit is {limits.max_total_bytes / 1024**3:.0f} GB"
        raise ArchiveError(f"The zip file unpacks to {size}. Upload it in parts.")
    if total > 1024 * MIB and total > limits.max_total_ratio * max(1, packed):
        raise ArchiveError("The zip file unpacks to far more than pictures do, so it was not opened.")


def _check_overlap(archive: zipfile.ZipFile) -> None:
    """Members that share bytes make a small file unpack without end (CVE-2024-0450)."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    ends = [member.header_offset for member in members[1:]] + [archive.start_dir]
    for member, end in zip(members, ends, strict=False):  # an empty zip has an end but no member
        if member.header_offset + LOCAL_HEADER + member.compress_size > end:
            raise ArchiveError("Files overlap inside the zip file, so it was not opened. Make it again.")


def _check_count(file: BinaryIO, limits: Limits) -> None:
    """Count the directory's entries without loading them: a million of them would fill the memory."""
    size = file.seek(0, 2)
    start = max(0, size - END - 0xFFFF)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < END:
        raise _not_a_zip(file, size)
    at, length = start + end, struct.unpack_from("<L", tail, end + 12)[0]
    file.seek(max(0, at - LOCATOR - END_64))
    wide = file.read(END_64 + LOCATOR)
    if wide[:4] == b"PK\x06\x06" and wide[END_64 : END_64 + 4] == b"PK\x06\x07":  # the 64-bit end record
        at, length = at - LOCATOR - END_64, struct.unpack_from("<Q", wide, 40)[0]
    directory = at - length
    if directory < 0:
        raise ArchiveError("The zip file is damaged. Make it again and upload it again.")
    if length > limits.max_names_bytes:  # the zip reader takes all of it into memory
        raise ArchiveError("The table of contents of the zip file is far too long. Upload it in parts.")
    count, position, stop = 0, directory, at
    while position + ENTRY <= stop:
        file.seek(position)
        entry = file.read(ENTRY)
        if len(entry) < ENTRY or entry[:4] != b"PK\x01\x02":
            break  # the zip reader says what is wrong here
        position += ENTRY + sum(struct.unpack_from("<HHH", entry, 28))
        count += 1
        if count > limits.max_files:
            limit = f"{limits.max_files:,}"
            raise ArchiveError(f"The zip file holds more than {limit} files. Upload it in parts.")


def _not_a_zip(file: BinaryIO, size: int) -> ArchiveError:
    file.seek(0)
    start = file.read(8)
    if size == 0:
        return ArchiveError("The file is empty. Make the zip file again and upload it again.")
    if start.startswith(b"PK\x03\x04"):
        return ArchiveError("The zip file is cut off: only part of it arrived. Upload it again.")
    kinds = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7z archive"}
    what = next((what for magic, what in kinds.items() if start.startswith(magic)), "")
    says = f"This is {what}, not a zip file." if what else "This is not a zip file, a tar or a picture."
    return ArchiveError(
        f"{says} Put your pictures into one folder per label and compress these to a zip file."
    )


def _unicode_extra(extra: bytes, raw: bytes) -> bytes | None:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        body, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == 0x7075 and len(body) > 5 and body[0] == 1:
            return body[5:] if struct.unpack_from("<L", body, 1)[0] == zlib.crc32(raw) else None
    return None
