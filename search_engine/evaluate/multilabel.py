"""Honest figures where pictures may have several labels: plain numpy, no torch.

Throughout, probabilities are (N, L) and targets (N, L) of 0 and 1. Formulas are those of scikit-learn.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

from search_engine.evaluate.ensemble import COLDEST, HOTTEST

FEWEST = 5
"""Pictures with a label, and without it, below which a threshold chosen by them would be luck."""
SLACK = 0.5
"""Standard errors of the highest F1 that are given away for labels that are right; see decision 20."""
EVEN = 0.5
"""Threshold of a label of which there are too few, and what ties go towards."""


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits, each for itself."""
    return np.asarray(expit(logits))


def binary_log_loss(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean binary cross-entropy in nats, over all labels of all pictures."""
    given = np.where(targets > 0.5, probabilities, 1.0 - probabilities)
    return float(-np.log(np.clip(given, 1e-12, 1.0)).mean())


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """As ``ensemble.fit_temperature``, by binary cross-entropy, one for all labels.

    It is fitted as if of one more picture nobody knew whether it has the labels or not.
    """
    unknown = 1.0 / (len(targets) + 1)
    wanted = (1.0 - unknown) * targets + unknown * 0.5

    def loss(log_temperature: float) -> float:
        scaled = logits * np.exp(-log_temperature)
        return float((np.logaddexp(0.0, scaled) - wanted * scaled).mean())

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def average_precision(scores: np.ndarray, there: np.ndarray) -> float | None:
    """Area under precision over recall as a step function, of (N,) scores of one label.

    None without a picture that has the label: then there is nothing to find.
    """
    found, called = _found_and_called(scores, there)[:2]
    if not found[-1]:
        return None
    recall = found / found[-1]
    return float((np.diff(recall, prepend=0.0) * found / called).sum())


def mean_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> float | None:
    """Mean over the labels that a picture has; None if none has any."""
    each = [average_precision(p, t) for p, t in zip(probabilities.T, targets.T, strict=True)]
    known = [one for one in each if one is not None]
    return sum(known) / len(known) if known else None


def best_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
    """For each label the probability from which it is given, so that F1 is high on these pictures.

    It lies half-way between two probabilities that occur. On few pictures the place of the highest F1 is
    luck, and it costs labels that are right at even odds; so of all thresholds whose F1 is within ``SLACK``
    of the highest the nearest to even odds is taken. A label that fewer than ``FEWEST`` pictures have, or
    have not, gets even odds.
    """
    return tuple(_best_threshold(p, t) for p, t in zip(probabilities.T, targets.T, strict=True))


def _best_threshold(scores: np.ndarray, there: np.ndarray) -> float:
    positives = int((there > 0.5).sum())
    if min(positives, len(there) - positives) < FEWEST:
        return EVEN
    found, called, levels = _found_and_called(scores, there)
    cuts = (levels + np.append(levels[1:], 0.0)) / 2
    even = int((scores >= EVEN).sum())  # even odds are a cut like any other
    at_even = 2.0 * float((there[scores >= EVEN] > 0.5).sum()) / (even + positives)
    f1 = 2.0 * found / (called + positives)
    top = int(f1.argmax())
    least = float(f1[top]) - SLACK * f1_error(int(found[top]), int(called[top]), positives)
    if at_even >= least:
        return EVEN
    good = np.flatnonzero(f1 >= least)
    return float(cuts[good[np.abs(cuts[good] - EVEN).argmin()]])


def f1_error(found: int, called: int, positives: int) -> float:
    """Standard error of F1: of pictures that have a label or are given it, a binomial share has and is."""
    either = called + positives - found
    both = found / either
    return 2.0 / (1.0 + both) ** 2 * math.sqrt(both * (1.0 - both) / either)


def _found_and_called(scores: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At each distinct score, the highest first: how many of the called have the label, how many are called,
    and the score."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return np.cumsum(there[order] > 0.5)[last], last + 1, ranked[last].astype(np.float64)


def calibration_error(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> float:
    """How far the probability of a label is from how often it is there, on average over all labels, 0..1."""
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [np.abs((probabilities - targets)[place == b].sum()) for b in range(bins)]
    return float(np.sum(gaps)) / targets.size


def report(
    probabilities: np.ndarray, targets: np.ndarray, labels: tuple[str, ...], thresholds: tuple[float, ...]
) -> dict[str, Any]:
    """Everything the model's page shows of a test, but for the interval.

    ``accuracy`` is the share of all labels of all pictures that are decided rightly, at the thresholds;
    ``subset_accuracy`` the share of pictures with every label right. Precision of a label that was never
    given, and recall and average precision of one that no picture has, are None. ``counts`` of a label are
    many pictures both are, and on how many both were given.
    """
    given, there = probabilities >= np.array(thresholds), targets > 0.5
    right = given == there
    rows = [
        _label_row(label, probabilities[:, i], given[:, i], there[:, i], thresholds[i])
        for i, label in enumerate(labels)
    ]
    scores = [row["f1"] for row in rows if row["n"]]
    return {
        "accuracy": float(right.mean()),
        "n": len(targets),
        "decisions": int(right.size),
        "subset_accuracy": float(right.all(axis=1).mean()),
        "mean_average_precision": mean_average_precision(probabilities, targets),
        "log_loss": binary_log_loss(probabilities, targets),
        "macro_f1": sum(scores) / len(scores) if scores else None,
        "per_class": rows,
    }


def _label_row(
    label: str, scores: np.ndarray, given: np.ndarray, there: np.ndarray, threshold: float
) -> dict[str, Any]:
    hit, called, n = int((given & there).sum()), int(given.sum()), int(there.sum())
    return {
        "label": label,
        "n": n,
        "threshold": threshold,
        "average_precision": average_precision(scores, there),
        "precision": hit / called if called else None,
        "recall": hit / n if n else None,
        "f1": 2 * hit / (called + n) if called + n else None,
        "counts": [[int((~given & ~there).sum()), called - hit], [n - hit, hit]],
    }
