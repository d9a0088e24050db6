"""Single pictures that stand out from their set: odd shapes, too dark, blurry, grey among colour and so on.

A rule takes the whole set and gives the pictures that it is about. Each asks twice: whether a picture is odd
in itself, and whether it is so among these, since what is common in a set is how its pictures are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

ASPECT = 3.5  # times longer than wide; once squared for a network, little is left of it
UNLIKE_ASPECT = 2.5  # times off the set's median shape
TINY = 32  # pixels, the root of the area; networks see a hundred or more
SMALL = 0.25  # of the median of the set, and of the pictures of its label
REACH = 0.3  # mean and twice the deviation: how far from black, or from white, a picture gets
BRIGHT_REACH = 0.2  # paper is nearly white, so more is asked before a picture is too bright
UNLIKE_REACH = 0.45
GLARE, PLAIN_DAY = 0.95, 0.75  # mean of a picture that is white all over, in a set where that is unusual
ONE_COLOR = 0.02  # deviation of the luma; five levels
PLAIN = 0.004  # one level: there is nothing at all
MIN_CONTRAST = 0.05  # what a set must have before one of its pictures can lack it
SOFT = 0.27  # sharpness; photos blurred by a hundredth of their side have less, sharp ones 0.38 and more
UNLIKE_SOFT = 0.42  # of the median
FAR = 3.5  # robust deviations from the median
MINORITY = 0.25  # share; more than that are no exceptions
MIN_SET = 10  # pictures; fewer have no usual look


class Measured(Protocol):
    """What a rule needs to know of a picture; see ``doctor.PictureFacts``."""

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def brightness(self) -> float | None: ...
    @property
    def contrast(self) -> float | None: ...
    @property
    def sharpness(self) -> float | None: ...
    @property
    def is_gray(self) -> bool | None: ...


P = TypeVar("P", bound=Measured)


def aspect_ratio(pictures: Sequence[P]) -> list[P]:
    """Strips."""
    shape = _shape(pictures)
    odd = _is_strip(pictures)
    return _chosen(pictures, odd & (np.abs(shape - _median(shape)) >= np.log(UNLIKE_ASPECT)))


def dark(pictures: Sequence[P]) -> list[P]:
    """Those that hardly get away from black, in a set that does."""
    return _chosen(pictures, _is_dark(pictures))


def bright(pictures: Sequence[P]) -> list[P]:
    """Those that hardly get away from white, in a set that does."""
    return _chosen(pictures, _is_bright(pictures))


def blurry(pictures: Sequence[P]) -> list[P]:
    """Those without one steep edge, in a set of sharp ones; what is nearly one colour has no edges at all."""
    sharp = np.maximum(_values(pictures, "sharpness"), 1e-3)
    soft = (sharp < SOFT) & (sharp < UNLIKE_SOFT * _median(sharp)) & (_deviations(np.log(sharp)) <= -FAR)
    return _chosen(pictures, soft & (_values(pictures, "contrast") >= ONE_COLOR) & ~_is_strip(pictures))


def uniform(pictures: Sequence[P]) -> list[P]:
    """Those of nearly one colour in a set that has contrast; dark or bright ones only if nothing is there."""
    contrast = _values(pictures, "contrast")
    plain = (contrast < ONE_COLOR) & (_median(contrast) >= MIN_CONTRAST)
    return _chosen(pictures, plain & ~((contrast >= PLAIN) & (_is_dark(pictures) | _is_bright(pictures))))


def grayscale(pictures: Sequence[P]) -> list[P]:
    """Grey ones among colour."""
    return _chosen(pictures, _values(pictures, "is_gray") == 1)


def tiny(pictures: Sequence[P]) -> list[P]:
    """Far smaller than the others, and than those of the same label: some things are small by nature."""
    side = np.sqrt(_values(pictures, "width") * _values(pictures, "height"))
    of_label: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, picture in enumerate(pictures):
        of_label[picture.labels].append(position)
    usual = np.full(len(pictures), _median(side))
    for positions in of_label.values():
        if len(positions) >= MIN_SET:
            usual[positions] = np.minimum(usual[positions], np.median(side[positions]))
    return _chosen(pictures, (side <= TINY) & (side <= SMALL * usual))


def _shape(pictures: Sequence[P]) -> np.ndarray:
    """The logarithm of width by height."""
    shape: np.ndarray = np.log(_values(pictures, "width") / np.maximum(_values(pictures, "height"), 1))
    return shape


def _is_strip(pictures: Sequence[P]) -> np.ndarray:
    """Whether it is so long that next to nothing is left of it where it is measured."""
    strip: np.ndarray = np.abs(_shape(pictures)) >= np.log(ASPECT)
    return strip


def _is_dark(pictures: Sequence[P]) -> np.ndarray:
    reach = _values(pictures, "brightness") + 2 * _values(pictures, "contrast")
    dark: np.ndarray = (reach < REACH) & (reach < UNLIKE_REACH * _median(reach))
    return dark


def _is_bright(pictures: Sequence[P]) -> np.ndarray:
    mean = _values(pictures, "brightness")
    reach = 1 - mean + 2 * _values(pictures, "contrast")
    washed_out = (reach < BRIGHT_REACH) & (reach < UNLIKE_REACH * _median(reach))
    glaring = (mean >= GLARE) & (_median(mean) <= PLAIN_DAY) & (_deviations(mean) >= FAR - 0.5)
    bright: np.ndarray = washed_out | glaring
    return bright


def _chosen(pictures: Sequence[P], odd: np.ndarray) -> list[P]:
    """The odd ones, unless they are so many that they are not odd, or the set is too small to tell."""
    positions = np.flatnonzero(odd)
    if len(pictures) < MIN_SET or len(positions) > MINORITY * len(pictures):
        return []
    return [pictures[int(position)] for position in positions]


def _values(pictures: Sequence[P], name: str) -> np.ndarray:
    """A measurement of all pictures; NaN, which is neither above nor below anything, where there is none."""
    return np.array([getattr(picture, name) for picture in pictures], np.float64)


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _deviations(values: np.ndarray) -> np.ndarray:
    """How far from the median, in robust standard deviations."""
    median = _median(values)
    spread = 1.4826 * _median(np.abs(values - median))
    far: np.ndarray = (values - median) / max(spread, 1e-3)
    return far
