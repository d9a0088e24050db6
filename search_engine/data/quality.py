"""What can be measured on a picture in about a millisecond, and the doctor judges by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from search_engine.data.phash import perceptual_hash

SIDE = 256  # networks see about that much: a photo that is sharp at this size is sharp to them
GREY_SPREAD = 3  # levels of 255 between the strongest and the weakest channel; a JPEG of a grey picture has 1
EDGES = 0.005  # share of the pixels that count as the steepest edges
REACH = 4  # pixels around an edge
MIN_RANGE = (
    24.0  # levels; in what is blurred the most, noise is all that is steep, and must not count as an edge
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Measurements of one picture.

    Attributes:
        phash: perceptual hash, 64 bits, signed.
        brightness: mean of the luma, 0 to 1.
        contrast: standard deviation of the luma, 0 to 1.
        sharpness: how steep the steepest edges are (the largest half percent of the Laplacian) against the
            range of the luma beside them; 2 for an ideal line, below 0.25 for a picture out of focus.
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
        is_gray=_is_gray(image),
    )


def _sharpness(luma: np.ndarray) -> float:
    """The steepest places against the range of light around them: edges are steep where a lens is sharp."""
    if min(luma.shape) < 3:
        return 0.0
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    edges = np.abs(around - 4 * luma[1:-1, 1:-1])
    count = max(1, int(edges.size * EDGES))
    steepest = np.argpartition(edges, -count, axis=None)[-count:]
    rows, columns = np.unravel_index(steepest, edges.shape)
    window = np.arange(-REACH, REACH + 1)
    down = np.clip(rows[:, None, None] + 1 + window[:, None], 0, luma.shape[0] - 1)
    across = np.clip(columns[:, None, None] + 1 + window, 0, luma.shape[1] - 1)
    light = luma[down, across].reshape(count, -1)
    ranges = np.maximum(light.max(axis=1) - light.min(axis=1), MIN_RANGE)
    return float((edges.ravel()[steepest] / ranges).mean())


def _is_gray(image: Image.Image) -> bool:
    red, green, blue = image.split()  # bands: ten times as fast as numpy along a last axis of three
    lightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    coloured = sum(ImageChops.subtract(lightest, darkest).histogram()[GREY_SPREAD + 1 :])
    return coloured <= image.width * image.height // 1000
