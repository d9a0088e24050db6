"""A perceptual hash: 64 bits that nearly stay the same when a picture is resized, recompressed or lit anew.

The classic of the field (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010):
which of the 63 lowest frequencies of a small grey copy are above their median. A hash alone proves nothing,
since pictures of one subject have similar ones; ``likeness`` looks at the pixels of those it brings together.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 32
LOW = 8  # frequencies in each direction
RADIUS = 12  # bits; 99 in 100 light changes stay within (decision 19), and 1 pair of noise in 6 million
BLOCK = 512
MAX_PAIRS = 300_000  # what is compared in a minute; look-alikes such as X-rays would have far more


def _cosines() -> np.ndarray:
    """Rows of the discrete cosine transform of type II."""
    steps = (2 * np.arange(SIDE) + 1) * np.pi / (2 * SIDE)
    rows: np.ndarray = np.cos(np.outer(np.arange(LOW), steps)).astype(np.float32)
    return rows


COSINES = _cosines()
BITS = np.uint64(1) << np.arange(LOW * LOW, dtype=np.uint64)


def perceptual_hash(luma: Image.Image) -> int:
    """The hash of a grey picture (mode ``L``), as a signed number of 64 bits, which databases can keep."""
    small = np.asarray(luma.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
    low = (COSINES @ small @ COSINES.T).ravel()
    above = low > np.median(low[1:])
    above[0] = False  # the mean brightness says nothing about what is to be seen
    return int(BITS[above].sum(dtype=np.uint64).astype(np.int64))


def close_pairs(
    hashes: np.ndarray, *, first_new: int = 0, radius: int = RADIUS, max_pairs: int = MAX_PAIRS
) -> np.ndarray:
    """Pairs of hashes that differ in few bits, of which at least one is new.

    Every pair is looked at, block by block: exact whatever the hashes are, in flat memory, and 100,000
    against each other take some ten seconds. Where the hash tells nothing, as with X-rays of chests, radius
    shrinks until at most ``max_pairs`` are left.

    Args:
        hashes: shape (pictures,), int64.
        first_new: hashes from this position on are new; those before were compared with each other already.
        radius: bits in which a pair may differ.

    Returns:
        int32 array of shape (pairs, 2), the smaller position first, in order.
    """
    codes = np.ascontiguousarray(hashes).view(np.uint64)
    found: list[np.ndarray] = []
    count = 0
    for start in range(first_new, len(codes), BLOCK):
        stop = min(start + BLOCK, len(codes))
        for other in range(0, stop, BLOCK * 8):
            columns = codes[other : min(other + BLOCK * 8, stop)]
            bits = np.bitwise_count(codes[start:stop, None] ^ columns[None])
            rows, cells = np.nonzero(bits <= radius)
            later = rows + start > cells + other
            near = np.stack(
                [cells[later] + other, rows[later] + start, bits[rows[later], cells[later]]], axis=1
            ).astype(np.int32)
            if len(near):
                found.append(near)
                count += len(near)
        while count > max_pairs and radius > 0:
            radius -= 1
            found = [near[near[:, 2] <= radius] for near in found]
            count = sum(len(near) for near in found)
    if not found:
        return np.empty((0, 2), np.int32)
    pairs = np.concatenate(found)[:, :2]
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
