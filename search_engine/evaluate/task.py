"""What is asked of a network: which label a picture has, or for each label whether it is there.

All that differs between the two is behind ``Task``, so that a search, its statistics and its export are
written once. The halves that need torch are in ``trainer/loss.py`` and ``export/onnx.py``; there, targets of
(N,) int64 or of (N, L) float32 say which task it is.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from search_engine.data.manifest import MULTI, SINGLE
from search_engine.evaluate import ensemble, metrics, multilabel
from search_engine.evaluate.bootstrap import Bools, interval_of

FAINTEST = 1e-12  # probability of which a logarithm is taken
FAINTEST_LABEL = 1e-6
"""The same where one minus it is taken as well, in float32: the exported graph must agree."""


class Task(Protocol):
    """Targets are (N,) places of labels, or (N, L) of 0 and 1; logits and probabilities are (N, L).

    Attributes:
        name: as ``model.json`` says it.
        is_multi: whether pictures may have several labels.
    """

    name: str
    is_multi: bool

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Of logits at a temperature."""
        ...

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """From which these probabilities come, at temperature 1."""
        ...

    def right(self, probabilities: np.ndarray, targets: np.ndarray) -> Bools:
        """(N,) whether the likeliest label is right; or (N, L), on which labels its answer is."""
        ...

    def loss(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        """Mean cross-entropy in nats: of a picture, or of a label of a picture."""
        ...

    def fit_temperature(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """The number to divide logits by, so that probabilities are as often right as they say."""
        ...

    def figures(self, probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """What is told of a network besides its accuracy."""
        ...

    def thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        """The probability from which each label is given; none where the likeliest is."""
        ...

    def validation(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: tuple[float, ...]
    ) -> dict[str, Any]:
        """What ``model.json`` says of the pictures that judged."""
        ...

    def report(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: tuple[str, ...],
        thresholds: tuple[float, ...],
    ) -> dict[str, Any]:
        """Everything that is shown of a test."""
        ...

    def told(self, right: Bools) -> str:
        """Of answers so far, in words that follow "right on"."""
        ...


class SingleLabel:
    """Softmax, and the likeliest label."""

    name = "single-label"
    is_multi = False

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        return ensemble.softmax(logits, temperature)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(np.clip(probabilities, FAINTEST, 1.0)))

    def right(self, probabilities: np.ndarray, targets: np.ndarray) -> Bools:
        return np.asarray(probabilities.argmax(axis=1) == targets)

    def loss(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        return metrics.log_loss(probabilities, targets)

    def fit_temperature(self, logits: np.ndarray, targets: np.ndarray) -> float:
        return ensemble.fit_temperature(logits, targets)

    def figures(self, probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        return {}

    def thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        return ()

    def validation(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: tuple[float, ...]
    ) -> dict[str, Any]:
        return {
            "accuracy": float((probabilities.argmax(1) == targets).mean()),
            "log_loss": metrics.log_loss(probabilities, targets),
            "calibration_error": ensemble.expected_calibration_error(probabilities, targets),
            "n": len(targets),
        }

    def report(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: tuple[str, ...],
        thresholds: tuple[float, ...],
    ) -> dict[str, Any]:
        return metrics.report(probabilities, targets, labels)

    def told(self, right: Bools) -> str:
        return f"{int(right.sum())} of {len(right)} pictures"


class MultiLabel:
    """A sigmoid a label. What counts as accuracy is the share of all labels of all pictures decided rightly.

    That share is a mean over pictures, so pairs of networks can be compared picture by picture, as
    everywhere. Mean average precision has no such parts, and all labels right at once says little where
    there are many.
    """

    name = "multi-label"
    is_multi = True

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        return multilabel.sigmoid(logits / temperature)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        clipped = np.clip(probabilities, FAINTEST_LABEL, 1.0 - FAINTEST_LABEL)
        return np.asarray(np.log(clipped) - np.log1p(-clipped))

    def right(self, probabilities: np.ndarray, targets: np.ndarray) -> Bools:
        # At even odds, where a calibrated network is right most often; thresholds serve another end.
        return np.asarray((probabilities >= 0.5) == (targets > 0.5))

    def loss(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        return multilabel.binary_log_loss(probabilities, targets)

    def fit_temperature(self, logits: np.ndarray, targets: np.ndarray) -> float:
        return multilabel.fit_temperature(logits, targets)

    def figures(self, probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        found = {"subset_accuracy": float(self.right(probabilities, targets).all(axis=1).mean())}
        precision = multilabel.mean_average_precision(probabilities, targets)
        return found if precision is None else {"mean_average_precision": precision, **found}

    def thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        return multilabel.best_thresholds(probabilities, targets)

    def validation(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: tuple[float, ...]
    ) -> dict[str, Any]:
        right = (probabilities >= np.array(thresholds)) == (targets > 0.5)
        return {
            "accuracy": float(right.mean()),
            "mean_average_precision": multilabel.mean_average_precision(probabilities, targets),
            "subset_accuracy": float(right.all(axis=1).mean()),
            "log_loss": self.loss(probabilities, targets),
            "calibration_error": multilabel.calibration_error(probabilities, targets),
            "n": len(targets),
        }

    def report(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: tuple[str, ...],
        thresholds: tuple[float, ...],
    ) -> dict[str, Any]:
        right = (probabilities >= np.array(thresholds)) == (targets > 0.5)
        return multilabel.report(probabilities, targets, labels, thresholds) | {
            "interval": list(interval_of(right))
        }

    def told(self, right: Bools) -> str:
        return f"{right.mean():.1%} of the labels of {len(right)} pictures"


TASKS: dict[str, Task] = {SINGLE: SingleLabel(), MULTI: MultiLabel()}
"""By what a manifest says."""
