"""Several networks that answer together, and probabilities that mean what they say: plain numpy, no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from search_engine.evaluate.metrics import log_loss

ROUNDS = 25
"""Of the greedy selection; with replacement, so that weights are multiples of one in so many at the least."""
COLDEST, HOTTEST = 0.1, 10.0
"""Bounds of a temperature; a network that needs one beyond knows nothing."""


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The number to divide logits by, so that probabilities are as often right as they say (Guo et al. 2017).

    It is fitted as if one more picture had been seen of which nobody knows the label: where all were answered
    rightly, the best temperature would otherwise be zero, and the first wrong answer infinitely bad.

    Args:
        logits: (N, classes), of pictures that the network was not trained on; log-probabilities do as well.
        targets: (N,) indices.
    """
    n = len(targets)
    unknown = 1.0 / (n + 1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    picked = shifted[np.arange(n), targets]
    wanted = (1.0 - unknown) * picked.mean() + unknown * shifted.mean()

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float(np.log(np.exp(scale * shifted).sum(axis=1)).mean() - scale * wanted)

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N, classes) probabilities of logits at a temperature."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities: np.ndarray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def select(
    probabilities: Sequence[np.ndarray],
    targets: np.ndarray,
    *,
    most: int,
    allowed: Callable[[Collection[int]], bool] = lambda _: True,
    loss: Callable[[np.ndarray, np.ndarray], float] = log_loss,
    rounds: int = ROUNDS,
) -> dict[int, int]:
    """Greedy selection with replacement (Caruana et al. 2004) by log loss, which sees more than accuracy.

    Args:
        probabilities: (N, classes) of each model, on pictures that none was trained on.
        targets: (N,) indices, or what else the loss compares with.
        most: different models that may take part.
        allowed: whether models may answer together, by their places; each alone must be.
        loss: of mixed probabilities against the targets.
        rounds: models that are added; of all the sums on the way the best is taken.

    Returns:
        Place of a model to how many times it counts; the largest first.
    """
    counts: dict[int, int] = {}
    best: tuple[float, dict[int, int]] = (np.inf, {})
    total = np.zeros_like(probabilities[0])
    for size in range(1, rounds + 1):
        able = [
            place
            for place in range(len(probabilities))
            if place in counts or (len(counts) < most and allowed({*counts, place}))
        ]
        losses = {place: loss((total + probabilities[place]) / size, targets) for place in able}
        chosen = min(losses, key=losses.__getitem__)
        total = total + probabilities[chosen]
        counts[chosen] = counts.get(chosen, 0) + 1
        if losses[chosen] < best[0]:
            best = (losses[chosen], dict(counts))
    return dict(sorted(best[1].items(), key=lambda item: (-item[1], item[0])))


def mixture(probabilities: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """(N, classes): the weighted mean of several models' probabilities."""
    mixed: np.ndarray = np.tensordot(np.asarray(weights), np.stack(probabilities), axes=1)
    return mixed


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> float:
    """How far confidence is from accuracy, on average over the pictures (Naeini et al. 2015), 0..1."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [np.abs((confidence - right)[place == b].sum()) for b in range(bins)]
    return float(np.sum(gaps)) / len(targets)
