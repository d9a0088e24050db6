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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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


def build_packs(
    manifest: Manifest,
    folders: Mapping[int, Path],
    *,
    on_progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
    pictures: int | None = None,
) -> dict[int, Pack]:
    """Make packs of the training and validation pictures, or what is missing of them.

    A picture is decoded once for all of them. Several processes may call it at once for the same folders:
    they share the chunks among them, and all return when the last one is there. What a process that dies was
    at is taken over by another.

    Args:
        manifest: the pictures.
        folders: sides in pixels, to a folder for this manifest and side alone; pictures are squashed to a
            square.
        on_progress: told how many pictures are done and how many there will be.
        should_stop: asked before each picture.
        pictures: only as many chunks as hold the first so many pictures; all if None.

    Returns:
        A pack for each side.

    Raises:
        DatasetError: a picture's file has vanished or cannot be decoded; the text names it.
        Cancelled: ``should_stop`` said so.
    """
    ordered = pack_order(manifest)
    ids = tuple(picture.id for picture in ordered)
    packs = [Pack(folder, ids, resolution) for resolution, folder in sorted(folders.items())]
    for pack in packs:
        pack.folder.mkdir(parents=True, exist_ok=True)
        _write_head(pack)
    wanted = len(ordered) if pictures is None else min(pictures, len(ordered))
    chunks = range(-(-wanted // CHUNK))
    total = min(len(ordered), len(chunks) * CHUNK)
    job = _Job(packs, ordered, manifest.root, total, on_progress, should_stop)
    while missing := [chunk for chunk in chunks if job.lacking(chunk)]:
        if not any(job.make(chunk, missing) for chunk in missing):
            job.wait()
    on_progress(total, total)
    return {pack.resolution: pack for pack in packs}


def pack_order(manifest: Manifest) -> list[Picture]:
    """The training and validation pictures in the order of the pack."""
    ordered = [*manifest.of(TRAIN), *manifest.of(VALIDATION)]
    random.Random(f"pack:{manifest.digest}").shuffle(ordered)
    return ordered


def read_squares(path: Path, sides: Sequence[int]) -> list[np.ndarray]:
    """One picture as packs hold it: for each side uint8 of shape (side, side, 3).

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
    whole = Image.fromarray(pixels)
    return [np.asarray(whole.resize((side, side), Image.Resampling.BILINEAR)) for side in sides]


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of ``build_packs``: what its steps have in common."""

    packs: Sequence[Pack]
    ordered: list[Picture]
    root: Path
    total: int
    on_progress: Callable[[int, int], None]
    should_stop: Callable[[], bool]

    def lacking(self, chunk: int) -> list[Pack]:
        """The packs that a chunk is missing from."""
        return [pack for pack in self.packs if not pack.has(chunk)]

    def make(self, chunk: int, missing: list[int]) -> bool:
        """Make a chunk, unless another process has it in hand. Returns whether it was made here."""
        with ExitStack() as claims:
            # One after the other in one order: of two processes one gets all or both try again.
            if not all(claims.enter_context(_claim(pack.folder, chunk)) for pack in self.lacking(chunk)):
                return False
            lacking = self.lacking(chunk)
            if not lacking:
                return False
            left = sum(len(lacking[0].ids_of(other)) for other in missing if self.lacking(other))
            for pack, pixels in zip(lacking, self._decode(chunk, lacking, self.total - left), strict=True):
                _write_chunk(pack.path_of(chunk), pixels)
        return True

    def wait(self) -> None:
        """All that is missing is in other hands: look again soon."""
        self._check()
        time.sleep(0.05)

    def _decode(self, chunk: int, packs: Sequence[Pack], done: int) -> list[np.ndarray]:
        rows = self.ordered[chunk * CHUNK : (chunk + 1) * CHUNK]
        sides = [pack.resolution for pack in packs]
        pixels = [np.empty((len(rows), side, side, 3), np.uint8) for side in sides]
        for row, picture in enumerate(rows):
            self._check()
            for made, square in zip(pixels, read_squares(self.root / picture.path, sides), strict=True):
                made[row] = square
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
