"""Tars written by code, good ones and such as no program would write."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

Mode = Literal["w", "w:gz", "w:bz2", "w:xz"]


def make_tar(
    path: Path, files: Mapping[str, bytes], mode: Mode = "w", form: int = tarfile.PAX_FORMAT
) -> Path:
    """A tar of these files; a name that ends in ``/`` is a folder."""
    return write_members(path, (member(name, data) for name, data in files.items()), mode, form)


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name.rstrip("/") if name.endswith("/") else name)
    info.type = tarfile.DIRTYPE if name.endswith("/") else kind
    info.size = len(data)
    info.linkname = link
    return info, data


def write_members(
    path: Path,
    members: Iterable[tuple[tarfile.TarInfo, bytes]],
    mode: Mode = "w",
    form: int = tarfile.PAX_FORMAT,
) -> Path:
    with tarfile.open(path, mode, format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path


def header(name: bytes, size: int, kind: bytes = b"0") -> bytes:
    """A raw header of 512 bytes, its checksum right whatever it says."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o\0" % size if size >= 0 else b"\xff" * 12
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)
