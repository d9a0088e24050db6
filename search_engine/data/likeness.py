"""Whether two pictures are one and the same, but for size, compression, light, format or a narrow crop.

Both are compared as 32 x 32 pixels. First they are registered: the crop that fits best is found by
Gauss-Newton steps (Lucas and Kanade, 1981; stretch and shift each way). Then three things must agree: the
luma, whatever its scale and offset; its fine detail, since pictures of one subject agree in what is coarse;
and the colours, unless one picture is grey. Thresholds and what they were measured on: decision 19.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

SIDE = 32
CHANNELS = 3
BATCH = 1024  # pairs at once; some 50 MB
COARSE_STEPS, FINE_STEPS = 4, 5
MAX_STRETCH = 0.13  # a crop of 6 % on each side
SLACK = 0.05  # by how much more than its stretch a picture may be shifted, in half widths
OPPOSITE = 0.03  # by how much it may be stretched one way and squeezed the other
FIRST_LOOK = 0.75  # correlation before registration; narrow crops of line drawings have as little as this
SECOND_LOOK = 0.93  # and after a coarse one
MIN_CONTRAST = 1.5  # levels of 255; below, there is nothing to recognise a picture by
MAX_COLOR = 14.0  # mean difference in chroma, in levels, once contrast is alike
GREY = 2.0  # mean chroma of a picture without colour
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

# The more the luma agrees, the less the fine detail must: recompression takes that away.
AGREEMENT = ((0.975, 0.94), (0.985, 0.8), (0.995, 0.5))
COARSE, COARSE_AGREEMENT = 0.035, 0.996
"""Share of the light in fine detail below which a picture has none to be recognised by, such as one of 8 x 8
pixels that was enlarged: two handwritten digits then agree to 0.99, and only a copy agrees to more."""
COARSE_WAVES = 9  # half waves across a picture; what has more is fine
CROPPED, CROP_AGREEMENT = 0.03, 0.982  # registration makes unlike drawings agree better, too


def descriptor(image: Image.Image) -> np.ndarray:
    """A picture (mode RGB) as uint8 array of shape (32, 32, 3), whatever its shape was."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.uint8)


def alike(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How sure it is that each pair is one picture.

    Pairs drop out as soon as they can: most are not alike, and registration is what takes time.

    Args:
        ones, others: descriptors, uint8 of shape (pairs, 32, 32, 3).

    Returns:
        float32 of shape (pairs,): the correlation of luma, 0.975 to 1, for pairs that are alike, else 0.
    """
    sure = np.zeros(len(ones), np.float32)
    for start in range(0, len(ones), BATCH):
        one, other = (each[start : start + BATCH].astype(np.float32) for each in (ones, others))
        grey, grey_other = one @ LUMA, other @ LUMA
        left = np.flatnonzero(_telling(grey, grey_other))
        small, small_other = _halved(grey[left]), _halved(grey_other[left])
        near = _correlation(small, small_other, np.ones_like(small)) >= FIRST_LOOK
        left, small, small_other = left[near], small[near], small_other[near]
        fit, reached = _register(small, small_other, np.zeros((len(left), 4), np.float32), COARSE_STEPS)
        left, fit = left[reached >= SECOND_LOOK], fit[reached >= SECOND_LOOK]
        same = _same_colors(one[left], other[left])
        left, fit = left[same], fit[same]
        sure[start + left] = _agree(grey[left], grey_other[left], fit)
    return sure


def _telling(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    telling: np.ndarray = np.minimum(one.std(axis=(1, 2)), other.std(axis=(1, 2))) >= MIN_CONTRAST
    return telling


def _halved(grey: np.ndarray) -> np.ndarray:
    halved: np.ndarray = grey.reshape(len(grey), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    return halved


def _same_colors(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compare chroma on 8 x 8 fields; a picture that became brighter or darker has more or less of it."""
    chroma, chroma_other = _chroma(one), _chroma(other)
    gain = one.std(axis=(1, 2, 3)) / np.maximum(other.std(axis=(1, 2, 3)), 1e-3)
    gain = np.clip(gain, 0.5, 2.0)[:, None, None, None]
    difference = np.abs(chroma - gain * chroma_other).mean(axis=(1, 2, 3)) / np.maximum(gain[:, 0, 0, 0], 1)
    grey = np.minimum(np.abs(chroma).mean(axis=(1, 2, 3)), np.abs(chroma_other).mean(axis=(1, 2, 3))) < GREY
    same: np.ndarray = grey | (difference <= MAX_COLOR)
    return same


def _chroma(pixels: np.ndarray) -> np.ndarray:
    fields = pixels.reshape(len(pixels), 8, SIDE // 8, 8, SIDE // 8, CHANNELS).mean(axis=(2, 4))
    chroma: np.ndarray = fields[..., [0, 2]] - (fields @ LUMA)[..., None]
    return chroma


def _agree(one: np.ndarray, other: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """The correlation of ``one`` with ``other`` seen through the best crop, or 0 where they are not alike."""
    fit, _ = _register(_smooth(one), _smooth(other), fit, FINE_STEPS)
    seen, _, _, inside = _look_through(other, fit)
    luma = _correlation(one, seen, inside)
    detail = _correlation(_detail(one), _detail(seen), inside)
    floors, needed = zip(*AGREEMENT, strict=True)
    floor = np.where(np.abs(fit).max(axis=1, initial=0) > CROPPED, CROP_AGREEMENT, floors[0])
    coarse = np.minimum(_fineness(one), _fineness(other)) < COARSE
    floor = np.where(coarse, np.maximum(floor, COARSE_AGREEMENT), floor)
    enough = (luma >= floor) & (detail >= np.interp(luma, floors, needed)) & _is_crop(fit)
    return np.where(enough, luma, 0).astype(np.float32)


def _fineness(grey: np.ndarray) -> np.ndarray:
    """The share of the variance of (N, 32, 32) luma that is in more than ``COARSE_WAVES`` half waves."""
    low = _waves() @ grey @ _waves().T
    coarse = np.square(low).sum(axis=(1, 2)) - np.square(low[:, 0, 0])
    total = np.square(grey - grey.mean(axis=(1, 2), keepdims=True)).sum(axis=(1, 2))
    share: np.ndarray = 1 - coarse / np.maximum(total, 1e-3)
    return share


@cache
def _waves() -> np.ndarray:
    """Orthonormal rows of the discrete cosine transform of type II, the longest waves."""
    steps = (2 * np.arange(SIDE) + 1) * np.pi / (2 * SIDE)
    rows = np.cos(np.outer(np.arange(COARSE_WAVES), steps)) * np.sqrt(2 / SIDE)
    rows[0] /= np.sqrt(2)
    waves: np.ndarray = rows.astype(np.float32)
    return waves


def _is_crop(fit: np.ndarray) -> np.ndarray:
    """A crop lies within its picture: stretched in one sense both ways, shifted no more than that allows."""
    stretch, shift = fit[:, [0, 2]], fit[:, [1, 3]]
    narrow = (np.abs(stretch) <= MAX_STRETCH).all(axis=1)
    within = (np.abs(shift) <= np.abs(stretch) + SLACK).all(axis=1)
    one_sense = (stretch.min(axis=1) >= -OPPOSITE) | (stretch.max(axis=1) <= OPPOSITE)
    crop: np.ndarray = narrow & within & one_sense
    return crop


def _register(
    one: np.ndarray, other: np.ndarray, fit: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Stretch and shift across, then down, in half widths, shape (pairs, 4); and the correlation there."""
    pairs, side = len(one), one.shape[1]
    x, y = _axes(side)
    best, reached = fit, np.full(pairs, -1, np.float32)
    for step in range(steps + 1):
        seen, across, down, inside = _look_through(other, fit)
        target, _ = _normal(one, inside)
        seen, scale = _normal(seen, inside)
        correlation = (target * seen).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
        better = correlation > reached
        best = np.where(better[:, None], fit, best)
        reached = np.where(better, correlation, reached)
        if step == steps:
            break
        across, down = across / scale * inside, down / scale * inside
        slopes = np.stack([across * x, across, down * y, down], axis=1).reshape(pairs, 4, side * side)
        slopes -= slopes.mean(axis=2, keepdims=True)
        square = slopes @ slopes.transpose(0, 2, 1)
        damping = 1e-3 * np.trace(square, axis1=1, axis2=2) + 1e-3
        square += np.eye(4, dtype=np.float32) * damping[:, None, None]
        missing = (target - seen).reshape(pairs, side * side, 1)
        fit = np.clip(fit + np.linalg.solve(square, slopes @ missing)[:, :, 0], -0.25, 0.25)
    return best, reached


@cache
def _axes(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of a square are, from -1 to 1: across in a row, down in a column."""
    axis = ((np.arange(side, dtype=np.float32) + 0.5) / side) * 2 - 1
    return axis[None, :], axis[:, None]


def _look_through(picture: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pictures sampled through their crops (bilinear), the slopes there, and 1 where that was inside."""
    pairs, side = len(picture), picture.shape[1]
    x, y = _axes(side)
    column, right, in_x = _places((x * (1 + fit[:, 0, None, None]) + fit[:, 1, None, None]), side)
    row, below, in_y = _places((y * (1 + fit[:, 2, None, None]) + fit[:, 3, None, None]), side)
    flat, at = picture.reshape(pairs, side * side), (row * side + column).reshape(pairs, side * side)
    a, b, c, d = (
        np.take_along_axis(flat, at + step, axis=1).reshape(picture.shape) for step in (0, 1, side, side + 1)
    )
    top, bottom = a + (b - a) * right, c + (d - c) * right
    slope_x = ((b - a) * (1 - below) + (d - c) * below) * (side / 2)
    return top + (bottom - top) * below, slope_x, (bottom - top) * (side / 2), in_x * in_y


def _places(at: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixel before each place, how far on towards the next it is, and 1 where the place is inside."""
    place = (at + 1) * (side / 2) - 0.5
    inside = ((place >= 0) & (place <= side - 1)).astype(np.float32)
    place = np.clip(place, 0, side - 1.001)
    before = place.astype(np.int64)
    return before, (place - before).astype(np.float32), inside


def _normal(picture: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With mean 0 and deviation 1 where ``inside`` is 1, and 0 elsewhere; and the deviation."""
    count = inside.sum(axis=(1, 2), keepdims=True)
    centred = (picture - (picture * inside).sum(axis=(1, 2), keepdims=True) / count) * inside
    scale = np.sqrt((centred * centred).sum(axis=(1, 2), keepdims=True) / count) + 1e-6
    return centred / scale, scale


def _correlation(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> np.ndarray:
    product = _normal(one, inside)[0] * _normal(other, inside)[0]
    correlation: np.ndarray = product.sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
    return correlation


def _smooth(picture: np.ndarray) -> np.ndarray:
    """Binomial of three, both ways."""
    wide = np.pad(picture, ((0, 0), (1, 1), (1, 1)), "edge")
    wide = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
    smooth: np.ndarray = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) / 4
    return smooth


def _detail(picture: np.ndarray) -> np.ndarray:
    detail: np.ndarray = picture - _smooth(_smooth(picture))
    return detail
