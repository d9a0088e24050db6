"""What every peer's adapter shares: its order, the pictures, and the one line that it prints.

An adapter runs in an environment of its own, so this imports nothing but the standard library, numpy and
Pillow. Run one by hand from the root of the repository::

    .venv-peers/fastai/bin/python -m scripts.peers.fastai TRAIN TEST --seconds 120 --weights LITE0.pth
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from PIL import Image, ImageOps


@dataclass(frozen=True, slots=True)
class Order:
    """What an adapter is asked for.

    Attributes:
        train, test: folders with one folder a label.
        seconds: of wall time until the model is finished, counted from ``started``.
        seed: rules every random choice.
        weights: file with the ImageNet weights of EfficientNet-Lite0.
        threads: cores to use.
        started: when the process was started, seconds of the epoch; imports count.
    """

    train: Path
    test: Path
    seconds: float
    seed: int
    weights: Path
    threads: int
    started: float

    def spent(self) -> float:
        """Seconds since the start."""
        return time.time() - self.started

    def left(self) -> float:
        """Seconds to the end of the budget; negative after it."""
        return self.seconds - self.spent()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an adapter gives.

    Attributes:
        probabilities: (pictures, labels), in the order of ``pictures_of`` and ``labels_of``.
        fit_seconds: from the start to the finished model, without the test.
        notes: what it did with its time: resolution, epochs and the like.
    """

    probabilities: np.ndarray
    fit_seconds: float
    notes: dict[str, Any]


def labels_of(folder: Path) -> list[str]:
    """The labels, sorted: the folders in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def pictures_of(folder: Path, labels: Sequence[str]) -> tuple[list[Path], np.ndarray]:
    """Files and the index of the label of each, label by label, sorted."""
    found = [
        (path, index) for index, label in enumerate(labels) for path in sorted((folder / label).iterdir())
    ]
    return [path for path, _ in found], np.array([index for _, index in found], dtype=np.int64)


def load(path: Path, resolution: int) -> np.ndarray:
    """A picture as (R, R, 3) uint8 RGB: turned as its EXIF data say, then squashed."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        return np.asarray(upright.resize((resolution, resolution), Image.Resampling.BICUBIC, reducing_gap=3))


def epochs_that_fit(seconds: float, per_epoch: float, *, most: int) -> int:
    """Whole epochs in a time, at least one and at most ``most``."""
    return max(1, min(most, int(seconds / per_epoch))) if per_epoch > 0 else most


def choose_resolution(
    order: Order, pictures: int, rate_at: Callable[[int], float], *, share: float, sides: Sequence[int]
) -> tuple[int, dict[int, float]]:
    """The largest side whose pictures pass within a share of the time that is left, else the last one.

    Args:
        order: says how much time is left.
        pictures: that have to pass, views counted.
        rate_at: measures pictures a second at a side.
        share: of the time left.
        sides: in pixels, largest first.
    """
    rates: dict[int, float] = {}
    for side in sides:
        rates[side] = rate_at(side)
        if pictures / rates[side] <= share * order.left():
            return side, rates
    return sides[-1], rates


def parse(arguments: Sequence[str] | None = None) -> Order:
    """The order on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--started", type=float, default=None)
    options = vars(parser.parse_args(arguments))
    started = options.pop("started")
    return Order(**options, started=time.time() if started is None else started)


def serve(fit: Callable[[Order], Answer]) -> None:
    """Run an adapter and print its line; whatever else it prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        answer = fit(parse())
    except Exception:
        traceback.print_exc()
        _leave(1)
    line = {
        "probabilities": np.asarray(answer.probabilities, dtype=float).round(9).tolist(),
        "fit_seconds": round(answer.fit_seconds, 2),
        "notes": answer.notes,
    }
    out.write(json.dumps(line) + "\n")
    out.flush()
    _leave(0)


def _leave(status: int) -> NoReturn:
    """End now: a library's threads may not hold up a process that has answered."""
    sys.stderr.flush()
    os._exit(status)
