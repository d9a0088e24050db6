"""Plain transfer learning: logistic regression on the trunk's embedding. The control a search must beat."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from search_engine.space.trunks import EMBEDDING
from search_engine.trainer.logistic import descend
from search_engine.trainer.loop import Examples
from search_engine.trainer.loss import is_multi, log_odds

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Inverse regularisation on standardised features, the range in which frozen networks' probes lie."""
ITERATIONS = 200


class LinearProbe(nn.Module):
    """Standardise the embedding, then one linear layer. Takes the same features as a candidate."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.linear = nn.Linear(features, classes)

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        """(N, classes) logits of a dict that holds ``embedding``: (N, E)."""
        logits: Tensor = self.linear((features[EMBEDDING] - self.mean) * self.scale)
        return logits


def fit_probe(model: LinearProbe, training: Examples, *, strength: float, seed: int) -> None:
    """Fit the probe's weights in place, for one inverse regularisation strength."""
    x = training.features[EMBEDDING][training.rows].float().cpu().numpy()
    mean, scale = x.mean(axis=0), 1.0 / (x.std(axis=0) + 1e-3)
    with torch.no_grad():
        model.mean.copy_(torch.from_numpy(mean))
        model.scale.copy_(torch.from_numpy(scale))
    if is_multi(training.labels):
        _fit_each(model, torch.from_numpy((x - mean) * scale), training.labels, strength)
        return
    labels = training.labels.cpu().numpy()
    weight = np.zeros(model.linear.weight.shape, np.float32)
    bias = np.full(len(model.linear.bias), -1e4, np.float32)  # a class without a picture is never predicted
    if len(np.unique(labels)) == 1:  # a fold may be without the other; scikit-learn refuses that
        bias[labels[0]] = 0.0
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are enough for a control
            fit = LogisticRegression(C=strength, max_iter=ITERATIONS, random_state=seed)
            fit.fit((x - mean) * scale, labels)
        if len(fit.classes_) == 2:  # scikit-learn gives one row for two classes
            weight[fit.classes_] = np.concatenate([-fit.coef_, fit.coef_]) / 2
            bias[fit.classes_] = np.concatenate([-fit.intercept_, fit.intercept_]) / 2
        else:
            weight[fit.classes_], bias[fit.classes_] = fit.coef_, fit.intercept_
    with torch.no_grad():
        model.linear.weight.copy_(torch.from_numpy(weight))
        model.linear.bias.copy_(torch.from_numpy(bias))


def _fit_each(model: LinearProbe, x: Tensor, targets: Tensor, strength: float) -> None:
    """One against the rest, for each label of (N, L) targets."""
    nn.init.zeros_(model.linear.weight)
    with torch.no_grad():
        model.linear.bias.copy_(
            log_odds(targets)
        )  # where the optimum of a label without a picture is far off
    device = model.linear.weight.device
    descend(model.linear, x.to(device), targets.to(device), strength, lambda: False)


class Majority(nn.Module):
    """Always the frequencies of the training labels, whatever the picture: the floor."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.log_frequency: Tensor
        self.register_buffer("log_frequency", torch.zeros(classes))

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        embedding = features[EMBEDDING]
        return self.log_frequency.expand(embedding.shape[0], -1) + 0.0 * embedding[:, :1]

    def fit(self, targets: Tensor) -> None:
        if is_multi(targets):
            self.log_frequency.copy_(log_odds(targets))
            return
        counts = torch.bincount(targets, minlength=len(self.log_frequency)).float()
        self.log_frequency.copy_(((counts + 1e-3) / counts.sum()).log())
