"""Groups of pictures that are nearly the same: hashes suggest pairs, pixels decide, pairs make groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from search_engine.data.annotations.rows import SPLIT_WORDS
from search_engine.data.likeness import SIDE, alike
from search_engine.data.phash import close_pairs

BATCH = 4096  # pairs whose descriptors are side by side at once
ENTRY = 3 * SIDE * SIDE  # bytes of a descriptor
MIN_CONTRAST = 0.012  # of 1; the hash of a picture of one colour is noise


@dataclass(frozen=True, slots=True)
class Hashed:
    """A picture as it is compared first.

    Attributes:
        key: names its content; two items have different keys.
        phash: see ``phash.perceptual_hash``.
        contrast: see ``quality.Facts``.
    """

    key: str
    phash: int
    contrast: float


def near_pairs(
    items: Sequence[Hashed], describe: Callable[[str], np.ndarray | None], *, first_new: int = 0
) -> list[tuple[str, str, float]]:
    """Pairs that are one picture but for size, compression, light, format or a narrow crop.

    Args:
        items: the pictures; those from ``first_new`` on are new, the others were compared before.
        describe: gives the ``likeness.descriptor`` for a key, None if its picture cannot be read; is asked
            once for each picture that has a neighbour.

    Returns:
        keys and how sure it is (0.975 to 1), the surest first.
    """
    telling = [position for position, item in enumerate(items) if item.contrast >= MIN_CONTRAST]
    hashes = np.array([items[position].phash for position in telling], np.int64)
    new = sum(position < first_new for position in telling)
    pairs = np.array(telling, np.int64)[close_pairs(hashes, first_new=new)]
    wanted, rows = np.unique(pairs, return_inverse=True)
    rows = rows.reshape(-1, 2)
    found: list[tuple[str, str, float]] = []
    # On disk: where all 60,000 pictures of a set have neighbours, they would take 184 MB.
    with TemporaryFile() as file:
        for position in wanted:
            described = describe(items[position].key)  # what stays black is like nothing
            file.write(bytes(ENTRY) if described is None else described.tobytes())
        file.flush()
        for start in range(0, len(pairs), BATCH):
            batch = rows[start : start + BATCH]
            sure = alike(_read(file, batch[:, 0]), _read(file, batch[:, 1]))
            for at in np.flatnonzero(sure):
                one, other = pairs[start + at]
                found.append((items[one].key, items[other].key, float(sure[at])))
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))


def _read(file: IO[bytes], rows: np.ndarray) -> np.ndarray:
    """Descriptors of these rows of a file, uint8 of shape (rows, 32, 32, 3)."""
    entries = b"".join(os.pread(file.fileno(), ENTRY, int(row) * ENTRY) for row in rows)
    return np.frombuffer(entries, np.uint8).reshape(-1, SIDE, SIDE, 3)


def join(
    pairs: Sequence[tuple[str, str, float]], groups: Mapping[str, str], *, max_size: int
) -> dict[str, str]:
    """Groups from pairs, on top of those that there are.

    A chain of pairs, such as the frames of a film, could tie all together and leave nothing to test on;
    so a group stops growing at ``max_size``. The surest pairs come first.

    Args:
        pairs: as ``near_pairs`` gives them.
        groups: the group of each key that has one already.

    Returns:
        the group of every key that has one then. A group keeps its name; one that absorbs another keeps the
        smaller name of the two; a new one is called after its smallest key, and is no key.
    """
    members: dict[str, set[str]] = {}
    for key, group in groups.items():
        members.setdefault(group, set()).add(key)
    group_of = dict(groups)
    for one, other, _ in pairs:
        left, right = group_of.get(one, _new(one)), group_of.get(other, _new(other))
        if left == right:
            continue
        together = members.get(left, {one}) | members.get(right, {other})
        if len(together) > max_size:
            continue
        name = min(left, right)
        members.pop(left, None)
        members.pop(right, None)
        members[name] = together
        group_of.update(dict.fromkeys(together, name))
    return group_of


def _new(key: str) -> str:
    return f"n{key[:63]}"


def named_split(name: str) -> str | None:
    """The split that a folder in a path is called after, if one is: ``train/red/1.png`` is training."""
    folders = (part.strip().lower() for part in name.split("/")[:-1])
    return next((SPLIT_WORDS[folder] for folder in folders if folder in SPLIT_WORDS), None)
