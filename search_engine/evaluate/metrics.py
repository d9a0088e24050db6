"""Honest figures of a classifier: plain numpy, no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def wilson_interval(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of a proportion (Wilson 1927), 95 % by default; (0, 1) for no observations."""
    if n == 0:
        return 0.0, 1.0
    p = right / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the exact bounds are 0 and 1, and rounding must not push them inside.
    return (max(0.0, centre - half) if right else 0.0), (min(1.0, centre + half) if right < n else 1.0)


def standard_error(accuracy: float, n: int) -> float:
    """Binomial standard error, with Laplace's correction so that 100 % of few pictures is not certain."""
    p = (accuracy * n + 1) / (n + 2)
    return math.sqrt(p * (1 - p) / (n + 2))


def log_loss(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean cross-entropy in nats of (N, classes) probabilities against (N,) indices."""
    picked = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(np.clip(picked, 1e-12, 1.0)).mean())


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """How far two scores agree about the order of the same candidates (Kendall 1945, tau-b): -1 to 1.

    Pairs that a score ties count for neither side. 0 if a score ties all, or there are fewer than two
    candidates: then nothing is known about the order.

    Raises:
        ValueError: there are not as many of one score as of the other.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} scores cannot be compared with {len(second)}")
    above = np.triu_indices(len(first), k=1)
    a, b = (np.sign(np.subtract.outer(values, values)[above]) for values in (first, second))
    untied = math.sqrt(float(np.abs(a).sum()) * float(np.abs(b).sum()))
    return float((a * b).sum()) / untied if untied else 0.0


def confusion_matrix(predicted: np.ndarray, targets: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts; rows are the true label, columns the predicted one."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def report(probabilities: np.ndarray, targets: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Everything the model's page shows of a test, from (N, classes) probabilities and (N,) indices.

    Precision of a label that was never predicted, and recall of one without pictures, are None.
    """
    n, classes = len(targets), len(labels)
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(predicted, targets, classes)
    right = int(np.trace(matrix))
    per_class = []
    for index, label in enumerate(labels):
        hit, called, there = (
            int(matrix[index, index]),
            int(matrix[:, index].sum()),
            int(matrix[index].sum()),
        )
        per_class.append(
            {
                "label": label,
                "n": there,
                "precision": hit / called if called else None,
                "recall": hit / there if there else None,
                "f1": 2 * hit / (called + there) if called + there else None,
            }
        )
    scores = [row["f1"] for row in per_class if row["n"]]
    return {
        "accuracy": right / n,
        "n": n,
        "interval": list(wilson_interval(right, n)),
        "log_loss": log_loss(probabilities, targets),
        "macro_f1": sum(scores) / len(scores),  # type: ignore[arg-type]
        "per_class": per_class,
        "confusion": matrix.tolist(),
    }
