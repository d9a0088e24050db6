"""Which of two networks is better, and how sure that is: a paired bootstrap over pictures.

Two networks mostly stumble over the same pictures, so the error of their difference is far smaller than their
own errors suggest. What is compared is therefore not two accuracies but, picture by picture, who was right.
"""

from __future__ import annotations

import base64
import binascii
import math

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

RESAMPLES = 10_000
LEVEL = 95.0
"""Per cent of the resamples that the interval holds."""


def paired_difference(
    first: Bools, second: Bools, seed: int, factors: tuple[float, float] = (1.0, 1.0)
) -> tuple[float, float, float]:
    """How much more often the first is right, with a percentile interval (Efron 1979).

    A resample of the pictures matters only by how many of them the first alone was right on, the second
    alone, both, and neither; those counts are drawn at once, from the multinomial that resampling gives.

    Args:
        first: (N,) whether the first is right on each picture.
        second: (N,) the same of the second, on the same pictures in the same order.
        seed: of the resampling.
        factors: that the accuracy of either is multiplied by, as an objective may ask.

    Returns:
        Difference of the accuracies, low and high end of the 95 % interval; each in -1..1 without factors.

    Raises:
        ValueError: the arrays differ in length, or are empty.
    """
    ours, theirs = _discordant(first, second)
    count, both = len(first), int((first & second).sum())
    shares = np.array([ours, theirs, both, count - ours - theirs - both]) / count
    gains = np.array([factors[0], -factors[1], factors[0] - factors[1], 0.0])
    drawn = np.random.default_rng(abs(seed)).multinomial(count, shares, size=RESAMPLES)
    tail = (100.0 - LEVEL) / 2
    low, high = np.percentile(drawn @ gains / count, [tail, 100.0 - tail])
    return float(shares @ gains), float(low), float(high)


def paired_standard_error(first: Bools, second: Bools) -> float:
    """Of the difference of two accuracies on the same (N,) pictures.

    As in McNemar's test, with one more picture for either side, so that two networks which agree on few
    pictures are not certain to be alike.

    Raises:
        ValueError: the arrays differ in length, or are empty.
    """
    ours, theirs = _discordant(first, second)
    count = len(first) + 2
    share, difference = (ours + theirs + 2) / count, (ours - theirs) / count
    return math.sqrt(max(0.0, share - difference**2) / count)


def pack_bits(right: Bools) -> str:
    """A boolean array as ASCII: its length, a colon, and eight entries a byte in base64."""
    return f"{len(right)}:{base64.b64encode(np.packbits(right).tobytes()).decode('ascii')}"


def unpack_bits(text: str) -> Bools:
    """The (N,) array that ``pack_bits`` wrote.

    Raises:
        ValueError: the text is not one of its.
    """
    length, _, packed = text.partition(":")
    try:
        count, data = int(length), base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"not a packed row of bits: {text[:40]!r}") from error
    if count < 0 or len(data) != -(-count // 8):
        raise ValueError(f"{len(data)} bytes cannot hold {count} bits")
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(np.bool_)


def _discordant(first: Bools, second: Bools) -> tuple[int, int]:
    """On how many pictures only the first is right, and only the second."""
    if len(first) != len(second) or not len(first):
        raise ValueError(f"a pair needs the same pictures, not {len(first)} and {len(second)}")
    return int((first & ~second).sum()), int((second & ~first).sum())
