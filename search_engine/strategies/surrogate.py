"""A Gaussian process over decision vectors: what an untried candidate is likely to be worth, and how surely.

Vectors are one-hot, so the distance of two is the number of decisions in which they differ, and the kernel is
exp(-distance / length). Length and noise are those under which the rewards seen are most likely
(Rasmussen and Williams 2006, sections 2.2 and 5.4.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_engine.trial import Vector

Floats = NDArray[np.float64]

LENGTHS = (1.0, 1.5, 2.5, 4.0, 6.0, 9.0)
"""Decisions that may change before a reward says little about another; from a needle to a plain."""
NOISES = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Variance of the noise, of a variance of 1 in all."""
FLOOR = -2.0
"""Robust standard deviations below the median at which a reward counts as merely bad: how bad a failure was
says nothing about which of the good ones is best."""


class OneHot:
    """Vectors as rows of zeros and ones."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._width = sum(sizes)
        self._offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)

    def __call__(self, vectors: Sequence[Vector]) -> NDArray[np.float32]:
        """N x W."""
        rows = np.zeros((len(vectors), self._width), dtype=np.float32)
        rows[np.arange(len(vectors))[:, None], np.array(vectors) + self._offsets] = 1.0
        return rows


def standardise(rewards: Sequence[float]) -> Floats:
    """Mean 0, variance 1, whatever the unit, with the bad tail cut off at ``FLOOR``."""
    values = np.array(rewards, dtype=np.float64)
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle)) or values.std() or 1.0
    cut = np.maximum((values - middle) / spread, FLOOR)
    return np.asarray((cut - cut.mean()) / (cut.std() or 1.0))


class Surrogate:
    """The process, told some vectors.

    Attributes:
        length: of the kernel.
        noise: variance.
    """

    def __init__(self, length: float, noise: float) -> None:
        self.length = length
        self.noise = noise

    @classmethod
    def likeliest(cls, rows: NDArray[np.float32], targets: Floats) -> Surrogate:
        """The one of the grid that makes the targets likeliest."""
        best, found = -math.inf, cls(LENGTHS[2], NOISES[2])
        for length in LENGTHS:
            values, basis = np.linalg.eigh(kernel(rows, rows, length))
            weights = (basis.T @ targets) ** 2
            for noise in NOISES:
                spectrum = np.maximum(values, 0.0) + noise
                scale = float((weights / spectrum).mean()) + 1e-12
                likelihood = -0.5 * (len(targets) * math.log(scale) + float(np.log(spectrum).sum()))
                if likelihood > best:
                    best, found = likelihood, cls(length, noise)
        return found

    def fit(self, rows: NDArray[np.float32], targets: Floats) -> None:
        """Learn what N vectors are worth."""
        self._rows = rows
        covariance = kernel(rows, rows, self.length)
        covariance[np.diag_indices_from(covariance)] += self.noise
        self._inverse = np.linalg.inv(covariance)
        self._weights = self._inverse @ targets
        self._scale = float(targets @ self._weights) / len(targets)
        fitted = targets - self.noise * self._weights
        self.best = float(fitted.max())

    def predict(self, rows: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Means and standard deviations, free of noise."""
        cross = kernel(rows, self._rows, self.length)
        variance = 1.0 - np.einsum("ij,ij->i", cross @ self._inverse, cross)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 1e-9) * max(self._scale, 1e-12))

    def expected_improvement(self, rows: NDArray[np.float32]) -> Floats:
        """Over the best of the fitted, noise taken out (Jones et al. 1998)."""
        mean, deviation = self.predict(rows)
        gain = (mean - self.best) / deviation
        density = np.exp(-0.5 * gain**2) / math.sqrt(2 * math.pi)
        below = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in gain.tolist()])
        return np.asarray(deviation * (gain * below + density))


def kernel(first: NDArray[Any], second: NDArray[Any], length: float) -> Floats:
    """N x M covariances of one-hot rows."""
    decisions = float(first[0].sum()) if len(first) else 0.0
    return np.asarray(np.exp((first @ second.T - decisions).astype(np.float64) / length))
