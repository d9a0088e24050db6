"""Unpack gzip, bzip2 and xz forwards, piece by piece, and notice when a little unpacks to far too much."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from search_engine.data.limits import MIB, Limits
from search_engine.errors import ArchiveError

CHUNK = 64 * 1024  # packed bytes fed at a time
PIECE = 256 * 1024  # bytes unpacked at a time
DOUBT = 256 * MIB  # unpacked bytes before the ratio counts: some half a second of work
XZ_MEMORY = 96 * MIB  # what `xz -9` asks of whoever unpacks is 65 MB

BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Decoder(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Gzip:
    """zlib in the manners of bz2 and lzma."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max(0, max_length))


PACKED: dict[bytes, Callable[[], Decoder]] = {
    b"\x1f\x8b": Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
}


def decoder_for(start: bytes) -> Callable[[], Decoder] | None:
    """What unpacks a file of these first bytes; None if it is not packed."""
    return next((make for magic, make in PACKED.items() if start.startswith(magic)), None)


class Unpacked:
    """The unpacked bytes of a file, to be read forwards.

    Attributes:
        consumed: packed bytes that were read so far.
        given: unpacked bytes that were given so far.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], Decoder], limits: Limits) -> None:
        self.file = file
        self.make = make
        self.limits = limits
        self.decoder = make()
        self.consumed = 0
        self.given = 0
        self._ready = b""
        self._at = 0

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer only at the end.

        Raises:
            ArchiveError: damaged, cut off, or a bomb.
        """
        pieces: list[bytes] = []
        missing = count
        while missing > 0:
            if self._at == len(self._ready):
                try:
                    self._ready, self._at = self._piece(), 0
                except BROKEN as error:
                    raise ArchiveError(
                        "The archive is damaged. Make it again and upload it again."
                    ) from error
                self.given += len(self._ready)
                self._check()
                if not self._ready:
                    break
            piece = self._ready[self._at : self._at + missing]
            pieces.append(piece)
            self._at += len(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self) -> bytes:
        """The next bytes; none at the end."""
        while True:
            fed = b""
            if self.decoder.eof:  # programs that use several cores write one stream after another
                fed = self.decoder.unused_data.lstrip(b"\0") or self._feed().lstrip(b"\0")
                if not fed:
                    return b""
                self.decoder = self.make()
            elif self.decoder.needs_input:
                fed = self._feed()
            if piece := self.decoder.decompress(fed, PIECE):
                return piece
            if not fed and not self.decoder.eof:
                raise ArchiveError("The archive is cut off: only part of it arrived. Upload it again.")

    def _feed(self) -> bytes:
        data = self.file.read(CHUNK)
        self.consumed += len(data)
        return data

    def _check(self) -> None:
        if self.given > DOUBT and self.given > self.limits.max_total_ratio * max(1, self.consumed):
            raise ArchiveError("The archive unpacks to far more than pictures do, so it was not opened.")
        if self.given > self.limits.max_total_bytes + self.limits.max_files * 1024:
            size = f"more than {self.limits.max_total_bytes / 1024**3:.0f} GB"
            raise ArchiveError(f"The archive unpacks to {size}. Upload it in parts.")
