"""Look through an upload, file by file: each is a picture, or is rejected with a reason.

Accepted and rejected files together are always as many as were announced. Clutter of operating systems,
hidden files, and text files beside the label folders are neither.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from search_engine.data.decode import PictureError, decode_image
from search_engine.data.decoders import Decoders
from search_engine.data.examine import Examined, examine
from search_engine.data.layout import Layout, Place, find_layout
from search_engine.data.limits import DEFAULT_LIMITS, MIB, Limits
from search_engine.data.names import parts_of, printable, why_unsafe
from search_engine.data.quality import Facts
from search_engine.data.refusals import Reason, RefusedError, Rejected
from search_engine.data.sources import Entry, Source, open_source
from search_engine.errors import ArchiveError, DatasetError

__all__ = ["Found", "Limits", "PictureError", "Reason", "Rejected", "Scan", "Scanned", "count_archive"]
__all__ += ["count_folder", "decode", "open_scan", "scan", "scan_archive", "scan_folder"]

decode = decode_image
EXTENSIONS = {"JPEG": "jpg", "TIFF": "tif"}
AHEAD_BYTES = 64 * MIB  # of files that wait for a decoder; one larger file is read alone


@dataclass(frozen=True, slots=True)
class Found:
    """A picture.

    Attributes:
        name: path inside the upload, as uploaded.
        labels: from the folder or the list, in Unicode's composed form; empty for an unlabelled picture.
        data: the file, byte for byte.
        sha256: of ``data``, hexadecimal.
        format: one of ``decode.FORMATS``: ``JPEG``, ``PNG``, ``WEBP``, ...
        width, height: in pixels, of the upright picture.
        split: ``train``, ``validation`` or ``test`` if the upload says so.
        thumbnail: WebP, if decoders were given; else empty.
        facts: what the doctor judges by, if decoders were given.
        image: the picture, decoded as ``decode`` does it, if no decoders were given.
    """

    name: str
    labels: tuple[str, ...]
    data: bytes = field(repr=False)
    sha256: str
    format: str
    width: int
    height: int
    split: str | None = None
    thumbnail: bytes = field(default=b"", repr=False, compare=False)
    facts: Facts | None = field(default=None, repr=False, compare=False)
    image: Image.Image | None = field(default=None, repr=False, compare=False)

    @property
    def extension(self) -> str:
        """The usual ending of a file of this format, without the dot."""
        return EXTENSIONS.get(self.format, self.format.lower())


Scanned = Found | Rejected


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that was read and is being decoded."""

    name: str
    place: Place
    data: bytes
    examined: Future[Examined]


class Scan:
    """One look through a source; to be iterated once.

    Attributes:
        total: how many files it will report.
        labels: those that have a folder of their own, with or without pictures in it; and that folder's name.
    """

    def __init__(
        self, source: Source, layout: Layout, limits: Limits, label: str, decoders: Decoders | None
    ) -> None:
        self.total = len(layout.reported) + len(layout.lost)
        self.labels = layout.labels
        self._source = source
        self._layout = layout
        self._limits = limits
        self._label = label
        self._decoders = decoders
        self._seen: set[tuple[str, ...]] = set()

    def __iter__(self) -> Iterator[Scanned]:
        """Every file, in the order of the source; then the rows of lists that led to none.

        Raises:
            ArchiveError: the archive turns out to be damaged; or, at the end, there was no usable picture.
        """
        accepted = 0
        refused: list[Rejected] = []
        for result in self._results():
            if isinstance(result, Found):
                accepted += 1
            elif len(refused) < 3:
                refused.append(result)
            yield result
        if not accepted:
            first = " ".join(f"{rejected.name[-100:]}: {rejected.reason}" for rejected in refused)
            raise ArchiveError(f"None of the {self.total:,} files is a picture that can be used. {first}")

    def _results(self) -> Iterator[Scanned]:
        """Files are read in order while those before them are decoded: a few, and not too many bytes."""
        most = 2 * self._decoders.workers if self._decoders else 0
        ahead: deque[_Read | Rejected] = deque()
        waiting = 0
        try:
            for entry in self._layout.reported:
                item = self._begin(entry)
                ahead.append(item)
                waiting += _size(item)
                while len(ahead) > most or waiting > AHEAD_BYTES:
                    waiting -= _size(ahead[0])
                    yield _finished(ahead.popleft())
            while ahead:
                yield _finished(ahead.popleft())
        finally:
            for item in ahead:  # somebody has had enough
                if isinstance(item, _Read):
                    item.examined.cancel()
        yield from self._layout.lost

    def _begin(self, entry: Entry) -> _Read | Rejected:
        name = printable(entry.name)
        try:
            place = self._place(entry)
            data = self._source.read(entry)
        except RefusedError as error:
            return Rejected(name, error.code, str(error))
        if self._decoders:
            return _Read(name, place, data, self._decoders.submit(data, self._limits))
        examined: Future[Examined] = Future()
        try:
            examined.set_result(examine(data, self._limits, with_thumbnail=False))
        except RefusedError as error:
            return Rejected(name, error.code, str(error))
        return _Read(name, place, data, examined)

    def _place(self, entry: Entry) -> Place:
        if unsafe := why_unsafe(entry.name):
            raise RefusedError(Reason.UNSAFE_NAME, unsafe)
        parts = parts_of(entry.name)
        if parts in self._seen:
            raise RefusedError(
                Reason.SAME_NAME, "The upload holds two files of this name; the first one was used."
            )
        self._seen.add(parts)
        try:
            place = self._layout.place(entry, parts)
        except RefusedError as error:
            if error.code != Reason.NO_LABEL or not self._label:
                raise
            place = Place(())
        return place if place.labels or not self._label else Place((self._label,), place.split)


def _size(item: _Read | Rejected) -> int:
    return len(item.data) if isinstance(item, _Read) else 0


def _finished(item: _Read | Rejected) -> Scanned:
    if isinstance(item, Rejected):
        return item
    try:
        examined = item.examined.result()
    except RefusedError as error:
        return Rejected(item.name, error.code, str(error))
    return Found(
        name=item.name,
        labels=item.place.labels,
        data=item.data,
        sha256=hashlib.sha256(item.data).hexdigest(),
        format=examined.format,
        width=examined.width,
        height=examined.height,
        split=item.place.split,
        thumbnail=examined.thumbnail,
        facts=examined.facts,
        image=examined.image,
    )


@contextmanager
def open_scan(
    path: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    name: str = "",
    label: str = "",
    decoders: Decoders | None = None,
) -> Iterator[Scan]:
    """Begin to look through a zip, a tar (also packed), a folder, or one picture.

    Memory holds a few files, however many there are.

    Args:
        name: of a single picture, if not that of the path.
        label: for pictures that come without one.
        decoders: decode in child processes, and make thumbnails; without them it is done here.

    Raises:
        ArchiveError: the whole archive must be refused; the text says why and what to do.
        DatasetError: there is no such file or folder.
    """
    with open_source(path, limits, name=name) as source:
        yield Scan(source, find_layout(source, limits), limits, label, decoders)


def scan(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """Every file of whatever the path is, one at a time. Raises as ``open_scan`` and ``Scan``."""
    with open_scan(path, limits=limits) as opened:
        yield from opened


def count_archive(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """How many files of an archive will be reported. Raises as ``open_scan``."""
    with open_scan(path, limits=limits) as opened:
        return opened.total


def count_folder(path: Path) -> int:
    """How many files of a folder will be reported."""
    return count_archive(_folder(path))


def scan_archive(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """Every file of an archive, one at a time. Raises as ``scan``."""
    return scan(path, limits=limits)


def scan_folder(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Scanned]:
    """Every file of a folder of label folders, in the order of their names. Raises as ``scan``."""
    return scan(_folder(path), limits=limits)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}.")
    return path
