"""Activations of a frozen trunk, computed once a data set version and resolution, shared by all engines.

Lies on the pack (decoded pictures in chunks, in a seeded random order). A chunk's features are float16
files, written under a lock: engines that prepare at once share the chunks, and the lock of one that dies
is freed by the kernel.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search_engine.data.pack import Pack
from search_engine.errors import Cancelled
from search_engine.trunk.graph import TrunkRunner

BATCH = 16
OnProgress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """Features of the first ``chunks`` chunks of a pack.

    Attributes:
        folder: where the files lie.
        pack: the decoded pictures.
        names: of the features.
        chunks: how many chunks of the pack take part.
    """

    folder: Path
    pack: Pack
    names: tuple[str, ...]
    chunks: int

    @property
    def ids(self) -> list[int]:
        """Picture ids, in the order of the rows of ``load``."""
        return [i for chunk in range(self.chunks) for i in self.pack.ids_of(chunk)]

    def compute(self, runner: TrunkRunner, *, on_progress: OnProgress, should_stop: ShouldStop) -> None:
        """Make what is missing, together with whoever else is at it; returns when everything is there.

        Raises:
            Cancelled: ``should_stop`` said so.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two rounds: take what is free, then wait for what others hold (and do it if they died).
        for wait in (False, True):
            for chunk in range(self.chunks):
                if not self._done(chunk):
                    self._compute_chunk(chunk, runner, wait=wait, should_stop=should_stop)
                ready = sum(len(self.pack.ids_of(c)) for c in range(self.chunks) if self._done(c))
                on_progress(ready, len(self.ids))

    def load(self, name: str) -> Tensor:
        """One feature of all pictures as a float16 tensor, rows in the order of ``ids``."""
        parts = [np.load(self._file(chunk, name)) for chunk in range(self.chunks)]
        return torch.from_numpy(np.concatenate(parts))

    def _file(self, chunk: int, name: str) -> Path:
        return self.folder / f"{chunk:05d}.{name}.npy"

    def _done(self, chunk: int) -> bool:
        # The last one written; also what an older version did not write yet.
        return self._file(chunk, self.names[-1]).exists()

    def _compute_chunk(self, chunk: int, runner: TrunkRunner, *, wait: bool, should_stop: ShouldStop) -> None:
        with (self.folder / f"{chunk:05d}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                return
            if self._done(chunk):
                return
            pixels = self.pack.read(chunk)
            batches: list[list[np.ndarray]] = []
            for start in range(0, len(pixels), BATCH):
                if should_stop():
                    raise Cancelled("stopped while looking at the pictures")
                batches.append(runner(np.ascontiguousarray(pixels[start : start + BATCH])))
            for index, name in enumerate(self.names):
                rows = np.concatenate([batch[index] for batch in batches]).astype(np.float16)
                write_array(self._file(chunk, name), rows)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array so that a reader sees all of it or nothing."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
