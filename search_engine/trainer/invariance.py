"""Which changes leave the labels alone on these very pictures: a ridge classifier on the trunk is asked.

The pretrained trunk's last layer hardly tells a picture from its mirror image: it was trained to. So all its
stages are read, pooled. Photographs and cells look the same to it mirrored; digits, letters and hands do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from search_engine.data.manifest import TRAIN, Manifest
from search_engine.data.pack import pack_order, read_squares
from search_engine.data.targets import targets_of
from search_engine.space.invariance import MIRROR, Invariance

SIDE = 64  # pixels: what networks from scratch see, too; at 96 the verdicts are the same and dearer
MOST = 256  # pictures; the verdicts of decision 16 are all clear with them, and most with half as many
FEWEST = 32
SHARE = 0.015  # of the budget
FOLDS = 5
RIDGE = 10.0  # per feature, on standardised features
BATCH = 16

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    MIRROR: lambda pixels: pixels[:, :, ::-1],
    "upside_down": lambda pixels: pixels[:, ::-1],
    "quarter_turn": lambda pixels: np.rot90(pixels, 1, (1, 2)),
}
"""Of (N, R, R, 3) pixels, by the names in ``space.invariance.NAMES``."""

Look = Callable[[np.ndarray], Sequence[np.ndarray]]
"""From (N, R, R, 3) uint8 pixels to features, as a ``TrunkRunner`` gives them."""


def affordable(budget_seconds: float, *, decode: float, extract: float) -> int:
    """How many pictures the probe may take; 0 if too few to say anything.

    Args:
        budget_seconds: of the search.
        decode: pictures a second.
        extract: pictures of ``SIDE`` pixels through the trunk a second.
    """
    each = 1.0 / decode + (1 + len(CHANGES)) / extract
    count = min(MOST, int(SHARE * budget_seconds / each))
    return count if count >= FEWEST else 0


def probe_invariances(manifest: Manifest, look: Look, count: int) -> dict[str, Invariance]:
    """Try every change on the first so many training pictures of the pack's order, which is a random one.

    Raises:
        DatasetError: a picture's file has vanished or cannot be decoded.
    """
    some = [picture for picture in pack_order(manifest) if picture.split == TRAIN][:count]
    if len(some) < FEWEST:
        return {}
    pixels = np.stack([read_squares(manifest.root / picture.path, (SIDE,))[0] for picture in some])
    # Pictures that have the same labels are one class: what leaves all of them alone is what is looked for.
    codes = np.unique(targets_of(manifest, some), axis=0, return_inverse=True)[1]
    return compare(pixels, codes.reshape(-1), look)


def compare(pixels: np.ndarray, labels: np.ndarray, look: Look) -> dict[str, Invariance]:
    """The verdict on each change.

    Args:
        pixels: (N, R, R, 3) uint8.
        labels: (N,) class indices.
        look: gives the features that the classifier reads.
    """
    plain = _features(pixels, look)
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-3
    views = [plain, *(_features(change(pixels), look) for change in CHANGES.values())]
    right = _right_out_of_fold([(view - mean) / scale for view in views], labels)
    found = {}
    for name, after in zip(CHANGES, right[1:], strict=True):
        lost, won = int((right[0] & ~after).sum()), int((~right[0] & after).sum())
        found[name] = Invariance(
            pictures=len(labels),
            before=int(right[0].sum()),
            after=int(after.sum()),
            errors=(lost - won) / math.sqrt(max(1, lost + won)),
        )
    return found


def _features(pixels: np.ndarray, look: Look) -> np.ndarray:
    batches = [
        look(np.ascontiguousarray(pixels[start : start + BATCH])) for start in range(0, len(pixels), BATCH)
    ]
    parts = [np.concatenate([part.reshape(len(part), -1) for part in batch], axis=1) for batch in batches]
    return np.concatenate(parts).astype(np.float64)


def _right_out_of_fold(views: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """(views, N) whether ridge regression on the labels is right, learned from the other folds' first view.

    In its dual form: there are fewer pictures than features.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    targets = np.eye(len(classes))[codes] - 1.0 / len(classes)
    folds = _folds(codes)
    features = views[0].shape[1]
    kernels = [view @ views[0].T / features for view in views]
    right = np.zeros((len(views), len(labels)), dtype=bool)
    for fold in range(FOLDS):
        others, own = folds != fold, folds == fold
        gram = kernels[0][np.ix_(others, others)] + RIDGE * np.eye(int(others.sum()))
        weights = np.linalg.solve(gram, targets[others])
        for row, kernel in enumerate(kernels):
            right[row, own] = (kernel[np.ix_(own, others)] @ weights).argmax(axis=1) == codes[own]
    return right


def _folds(codes: np.ndarray) -> np.ndarray:
    """(N,) a fold for each picture; those of a label are dealt out in turn."""
    folds = np.zeros(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        folds[own] = np.arange(len(own)) % FOLDS
    return folds
