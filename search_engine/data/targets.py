"""The labels of pictures as numbers: what networks learn and what answers are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_engine.data.manifest import MULTI, Manifest, Picture
from search_engine.data.split import SplitItem, items_of


def targets_of(manifest: Manifest, pictures: Sequence[Picture]) -> np.ndarray:
    """(N,) int64 places of the labels; or, where a picture may have several, (N, L) float32 of 0 and 1."""
    place = {label: index for index, label in enumerate(manifest.labels)}
    if manifest.task != MULTI:
        return np.array([place[picture.label] for picture in pictures], dtype=np.int64)
    targets = np.zeros((len(pictures), len(place)), dtype=np.float32)
    for row, picture in enumerate(pictures):
        targets[row, [place[label] for label in picture.labels]] = 1.0
    return targets


def split_items(manifest: Manifest, pictures: Sequence[tuple[int, Picture]]) -> list[SplitItem]:
    """What folds are balanced by, of (number, picture) pairs."""
    if manifest.task != MULTI:
        return [SplitItem(number, picture.label, picture.group) for number, picture in pictures]
    return items_of((number, picture.labels, picture.group) for number, picture in pictures)
