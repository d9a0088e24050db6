"""Decode the pictures once and for all trials: memory maps of pixels in a shuffled order.

Chunks hold 256 pictures each. The order is a random one that follows from the manifest, so the first chunks
are a random sample of the data set, for every search alike, and a search that can afford only a part reads
only these. Test pictures are never packed: nothing that reads a pack can see one.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from search_engine.data.decode import PictureError, to_pixels
from search_engine.data.manifest import TRAIN, VALIDATION, Manifest, Picture
from search_engine.errors import Cancelled, DatasetError

CHUNK = 256  # pictures; 38 MB at 224 pixels, some seconds of work
HEAD = "pack.json"


@dataclass(frozen=True, slots=True)
class Pack:
    """Pixels on disk. Chunks that are still missing are being made, or were not asked for.

    Attributes:
        folder: where it lies.
        ids: of the pictures, in the order of the pack; ``Picture.id``.
        resolution: side of the pictures in pixels.
    """

    folder: Path
    ids: tuple[int, ...]
    resolution: int

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The pack in a folder.

        Raises:
            DatasetError: there is none.
        """
        try:
            head = json.loads((folder / HEAD).read_text())
        except (OSError, ValueError) as error:
            raise DatasetError(f"There are no prepared pictures in {folder}: {error}.") from error
        return cls(folder, tuple(head["ids"]), head["resolution"])

    @property
    def chunks(self) -> int:
        """How many chunks the whole pack has."""
        return -(-len(self.ids) // CHUNK)

    def ids_of(self, chunk: int) -> tuple[int, ...]:
        """The pictures of a chunk, in the order of its rows."""
        return self.ids[chunk * CHUNK : (chunk + 1) * CHUNK]

    def has(self, chunk: int) -> bool:
        """Whether a chunk is complete."""
        return self.path_of(chunk).exists()

    def read(self, chunk: int) -> np.ndarray:
        """A chunk as a read-only memory map, uint8 of shape (n, resolution, resolution, 3).

        Raises:
            DatasetError: it has not been made.
        """
        try:
            pixels: np.ndarray = np.load(self.path_of(chunk), mmap_mode="r")
        except FileNotFoundError as error:
            raise DatasetError(
                f"Part {chunk} of the prepared pictures in {self.folder} is missing."
            ) from error
        return pixels

    def path_of(self, chunk: int) -> Path:
        """The file of a chunk, whether it is there or not."""
        return self.folder / f"{chunk:05d}.npy"


def build_pack(
    manifest: Manifest,
    resolution: int,
    folder: Path,
    *,
    on_progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
    pictures: int | None = None,
) -> Pack:
    """Make the pack of the training and validation pictures, or what is missing of it.

    Several processes may call it at once for one folder: they share the chunks among them, and all return
    when the last one is there. What a process that dies was at is taken over by another.

    Args:
        manifest: the pictures.
        resolution: side in pixels; pictures are squashed to a square.
        folder: for this manifest and resolution alone.
        on_progress: told how many pictures are done and how many there will be.
        should_stop: asked before each picture.
        pictures: only as many chunks as hold the first so many pictures; all if None.

    Raises:
        DatasetError: a picture's file has vanished or cannot be decoded; the text names it.
        Cancelled: ``should_stop`` said so.
    """
    ordered = pack_order(manifest)
    folder.mkdir(parents=True, exist_ok=True)
    pack = Pack(folder, tuple(picture.id for picture in ordered), resolution)
    _write_head(pack)
    wanted = len(ordered) if pictures is None else min(pictures, len(ordered))
    chunks = range(-(-wanted // CHUNK))
    total = min(len(ordered), len(chunks) * CHUNK)
    job = _Job(pack, ordered, manifest.root, total, on_progress, should_stop)
    while missing := [chunk for chunk in chunks if not pack.has(chunk)]:
        if not any(job.make(chunk, missing) for chunk in missing):
            job.wait()
    on_progress(total, total)
    return pack


def pack_order(manifest: Manifest) -> list[Picture]:
    """The training and validation pictures in the order of the pack."""
    ordered = [*manifest.of(TRAIN), *manifest.of(VALIDATION)]
    random.Random(f"pack:{manifest.digest}").shuffle(ordered)
    return ordered


def read_square(path: Path, resolution: int) -> np.ndarray:
    """One picture as the pack holds it: uint8 of shape (resolution, resolution, 3).

    Raises:
        DatasetError: the file has vanished or cannot be decoded; the text names it.
    """
    try:
        pixels = to_pixels(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"The picture {path} cannot be read: {error.strerror}. Import it again."
        ) from error
    except PictureError as error:
        raise DatasetError(f"The picture {path} cannot be used. {error}") from error
    square = Image.fromarray(pixels).resize((resolution, resolution), Image.Resampling.BILINEAR)
    return np.asarray(square)


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of ``build_pack``: what its steps have in common."""

    pack: Pack
    ordered: list[Picture]
    root: Path
    total: int
    on_progress: Callable[[int, int], None]
    should_stop: Callable[[], bool]

    def make(self, chunk: int, missing: list[int]) -> bool:
        """Make a chunk, unless another process has it in hand. Returns whether it was made here."""
        with _claim(self.pack.folder, chunk) as mine:
            if not mine or self.pack.has(chunk):
                return False
            left = sum(len(self.pack.ids_of(other)) for other in missing if not self.pack.has(other))
            _write_chunk(self.pack.path_of(chunk), self._decode(chunk, self.total - left))
        return True

    def wait(self) -> None:
        """All that is missing is in other hands: look again soon."""
        self._check()
        time.sleep(0.05)

    def _decode(self, chunk: int, done: int) -> np.ndarray:
        rows = self.ordered[chunk * CHUNK : (chunk + 1) * CHUNK]
        side = self.pack.resolution
        pixels = np.empty((len(rows), side, side, 3), np.uint8)
        for row, picture in enumerate(rows):
            self._check()
            pixels[row] = read_square(self.root / picture.path, side)
            if row % 32 == 31:
                self.on_progress(done + row + 1, self.total)
        return pixels

    def _check(self) -> None:
        if self.should_stop():
            raise Cancelled("Preparing the pictures was stopped.")


@contextmanager
def _claim(folder: Path, chunk: int) -> Iterator[bool]:
    """Whether the chunk is ours to make; the kernel gives it up when this process ends, however it ends."""
    locks = folder / "locks"
    locks.mkdir(exist_ok=True)
    with (locks / f"{chunk:05d}").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _write_head(pack: Pack) -> None:
    """Say what the folder holds. Every process that builds it writes the same."""
    path = pack.folder / HEAD
    if path.exists():
        if Pack.open(pack.folder) != pack:
            raise DatasetError(f"{pack.folder} holds the prepared pictures of another data set. Delete it.")
        return
    text = json.dumps({"resolution": pack.resolution, "ids": pack.ids})
    _replace(path, lambda file: file.write_text(text))


def _write_chunk(path: Path, pixels: np.ndarray) -> None:
    def write(new: Path) -> None:
        with new.open("wb") as file:
            np.save(file, pixels)
            file.flush()
            os.fsync(file.fileno())

    _replace(path, write)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        write(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
