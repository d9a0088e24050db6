"""Which of two networks is better, and how sure that is: a paired bootstrap over pictures.

Two networks mostly stumble over the same pictures, so the error of their difference is far smaller than their
own errors suggest. What is compared is therefore not two accuracies but, picture by picture, who was right.
Where pictures have several labels, a row says on which of them: pictures are still what is resampled, since
answers on one picture go wrong together.
"""

from __future__ import annotations

import base64
import binascii
import math

import numpy as np
from numpy.typing import NDArray

from search_engine.evaluate.metrics import wilson_interval

Bools = NDArray[np.bool_]

RESAMPLES = 10_000
LEVEL = 95.0
"""Per cent of the resamples that the interval holds."""


def paired_difference(
    first: Bools, second: Bools, seed: int, factors: tuple[float, float] = (1.0, 1.0)
) -> tuple[float, float, float]:
    """How much more often the first is right, with a percentile interval (Efron 1979).

    A resample of the pictures matters only by how many of them the first alone was right on, the second
    alone, both, and neither; those counts are drawn at once, from the multinomial that resampling gives. With
    several labels a picture there are as many kinds of pictures as pairs of shares that occur.

    Args:
        first: (N,) whether the first is right on each picture; or (N, L), on each label of each picture.
        second: the same of the second, on the same pictures in the same order.
        seed: of the resampling.
        factors: that the accuracy of either is multiplied by, as an objective may ask.

    Returns:
        Difference of the accuracies, low and high end of the 95 % interval; each in -1..1 without factors.

    Raises:
        ValueError: the arrays differ in length, or are empty.
    """
    _check(first, second)
    count = len(first)
    if first.ndim == 1:
        ours, theirs, both = (int(each.sum()) for each in (first & ~second, second & ~first, first & second))
        shares = np.array([ours, theirs, both, count - ours - theirs - both]) / count
        gains = np.array([factors[0], -factors[1], factors[0] - factors[1], 0.0])
    else:
        pairs = np.stack([first.mean(axis=1), second.mean(axis=1)], axis=1)
        kinds, counts = np.unique(pairs, axis=0, return_counts=True)
        shares, gains = counts / count, kinds @ np.array([factors[0], -factors[1]])
    drawn = np.random.default_rng(abs(seed)).multinomial(count, shares, size=RESAMPLES)
    tail = (100.0 - LEVEL) / 2
    low, high = np.percentile(drawn @ gains / count, [tail, 100.0 - tail])
    return float(shares @ gains), float(low), float(high)


def paired_standard_error(first: Bools, second: Bools) -> float:
    """Of the difference of two accuracies on the same (N,) pictures, or (N, L) labels of pictures.

    As in McNemar's test, with one more picture for either side, so that two networks which agree on few
    pictures are not certain to be alike.

    Raises:
        ValueError: the arrays differ in length, or are empty.
    """
    _check(first, second)
    count = len(first) + 2
    ahead = shares_of(first) - shares_of(second)
    share, difference = (float((ahead**2).sum()) + 2) / count, float(ahead.sum()) / count
    return math.sqrt(max(0.0, share - difference**2) / count)


def shares_of(right: Bools) -> NDArray[np.float64]:
    """(N,) what share of each picture is right: 0 or 1 of (N,), in between of (N, L)."""
    shares: NDArray[np.float64] = right.reshape(len(right), -1).mean(axis=1)
    return shares


def standard_error_of(right: Bools) -> float:
    """Of the mean of (N,) or (N, L), over pictures, with Laplace's correction.

    For (N,) it is ``metrics.standard_error``, the binomial one. Labels of one picture are not
    taken for independent.
    """
    shares, count = shares_of(right), len(right) + 2
    mean, square = (float(shares.sum()) + 1) / count, (float((shares**2).sum()) + 1) / count
    return math.sqrt(max(0.0, square - mean**2) / count)


def interval_of(right: Bools, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean of (N, L), by resampling pictures.

    Where all pictures are alike, resampling shows no spread; then it is Wilson's, one answer a picture.
    """
    shares = shares_of(right)
    kinds, counts = np.unique(shares, return_counts=True)
    if len(kinds) < 2:
        return wilson_interval(round(float(shares.sum())), len(shares))
    drawn = np.random.default_rng(seed).multinomial(len(shares), counts / len(shares), size=RESAMPLES)
    tail = (100.0 - LEVEL) / 2
    low, high = np.percentile(drawn @ kinds / len(shares), [tail, 100.0 - tail])
    return float(low), float(high)


def pack_bits(right: Bools) -> str:
    """A boolean array as ASCII: its shape, a colon, and eight entries a byte in base64.

    The shape of (N,) is "N", that of (N, L) "NxL".
    """
    return (
        f"{'x'.join(map(str, right.shape))}:{base64.b64encode(np.packbits(right).tobytes()).decode('ascii')}"
    )


def unpack_bits(text: str) -> Bools:
    """The (N,) or (N, L) array that ``pack_bits`` wrote.

    Raises:
        ValueError: the text is not one of its.
    """
    length, _, packed = text.partition(":")
    try:
        shape, data = [int(each) for each in length.split("x")], base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"not a packed row of bits: {text[:40]!r}") from error
    count = math.prod(shape)
    if min(shape) < 0 or len(shape) > 2 or len(data) != -(-count // 8):
        raise ValueError(f"{len(data)} bytes cannot hold {count} bits")
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(np.bool_).reshape(shape)


def _check(first: Bools, second: Bools) -> None:
    if first.shape != second.shape or not len(first):
        raise ValueError(f"a pair needs the same pictures, not {len(first)} and {len(second)}")
