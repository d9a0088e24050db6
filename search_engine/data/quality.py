"""What can be measured on a picture in about a millisecond, and the doctor judges by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from search_engine.data.phash import perceptual_hash

SIDE = 256  # networks see about that much: a photo that is sharp at this size is sharp to them
GREY_SPREAD = 3  # levels of 255 between the strongest and the weakest channel; a JPEG of a grey picture has 1
EDGES = 0.005  # share of the pixels that count as the steepest edges
MIN_RANGE = 8.0  # levels; below, there is nothing that could be sharp


@dataclass(frozen=True, slots=True)
class Facts:
    """Measurements of one picture.

    Attributes:
        phash: perceptual hash, 64 bits, signed.
        brightness: mean of the luma, 0 to 1.
        contrast: standard deviation of the luma, 0 to 1.
        sharpness: how steep the steepest edges are (mean of the largest half percent of the Laplacian)
            against the range of the luma; 2 for an ideal line, below 0.15 for a picture out of focus.
        is_gray: whether nothing in it has a colour.
    """

    phash: int
    brightness: float
    contrast: float
    sharpness: float
    is_gray: bool


def measure(image: Image.Image) -> Facts:
    """Measure a decoded picture (mode RGB); one larger than ``SIDE`` is measured on a small copy."""
    if max(image.size) > SIDE:
        image = image.copy()
        image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    grey = image.convert("L")
    luma = np.asarray(grey, np.float32)
    return Facts(
        phash=perceptual_hash(grey),
        brightness=float(luma.mean()) / 255,
        contrast=float(luma.std()) / 255,
        sharpness=_sharpness(luma),
        is_gray=_is_gray(np.asarray(image)),
    )


def _sharpness(luma: np.ndarray) -> float:
    if min(luma.shape) < 3:
        return 0.0
    inner = luma[1:-1, 1:-1]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    edges = np.abs(around - 4 * inner).ravel()
    count = max(1, int(edges.size * EDGES))
    steepest = float(np.partition(edges, -count)[-count:].mean())
    ordered = np.sort(luma, axis=None)
    tail = ordered.size // 200  # a few stray pixels do not make a range
    return steepest / max(float(ordered[-1 - tail] - ordered[tail]), MIN_RANGE)


def _is_gray(pixels: np.ndarray) -> bool:
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    return bool(np.count_nonzero(spread > GREY_SPREAD) <= spread.size // 1000)
