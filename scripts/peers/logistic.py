"""Logistic regression on frozen features: scikit-learn's, its strength chosen by cross-validation."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from scripts.peers.common import Answer, Order, choose_resolution, labels_of, pictures_of
from scripts.peers.trunk import Extractor

SIDES = (224, 192, 160, 128)
STRENGTHS = (0.01, 0.001, 0.1, 0.0001, 1.0)
"""Inverse regularisation, on features of unit variance; tried in this order while time lasts."""
FOLDS = 4
FEATURE_SHARE = 0.6
"""Of the time left at the start that looking at the pictures may take; the rest is for the regression."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is put before the regression.

    Attributes:
        stages: whose means join the embedding.
        mirrored: the mirrored picture is a view, too: a row more in training, averaged in the test.
    """

    stages: tuple[int, ...] = ()
    mirrored: bool = False


def fit(order: Order, recipe: Recipe) -> Answer:
    """Features, cross-validation, regression, test."""
    labels = labels_of(order.train)
    paths, targets = pictures_of(order.train, labels)
    extractor = Extractor(order.weights, recipe.stages, order.threads)
    mirrors = (False, True) if recipe.mirrored else (False,)
    side, rates = choose_resolution(
        order,
        len(paths) * len(mirrors),
        lambda side: extractor.rate(paths, side),
        share=FEATURE_SHARE,
        sides=SIDES,
    )
    views = extractor.views(paths, side, mirrors=mirrors)
    strength, scores = choose_strength(views, targets, order)
    model = trained(views, targets, strength, order.seed)
    fit_seconds = order.spent()
    tested = extractor.views(pictures_of(order.test, labels)[0], side, mirrors=mirrors)
    probabilities = np.mean([model.predict_proba(view) for view in tested], axis=0)
    notes = {"resolution": side, "rates": rates, "strength": strength, "cross_validation": scores}
    return Answer(probabilities, fit_seconds, notes)


def choose_strength(
    views: list[np.ndarray], targets: np.ndarray, order: Order
) -> tuple[float, dict[float, float]]:
    """The strength with the least cross-validated log loss, and the log loss of each that was tried.

    A strength is begun only if what the dearest one took is there twice: the last regression needs time, too.
    """
    folds = max(2, min(FOLDS, int(np.bincount(targets).min())))
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=order.seed).split(views[0], targets))
    scores: dict[float, float] = {}
    dearest = 0.0
    for strength in STRENGTHS:
        if scores and order.left() < 2 * dearest:
            break
        begun = time.monotonic()
        losses = []
        for train, held in splits:
            model = trained([view[train] for view in views], targets[train], strength, order.seed)
            answers = np.mean([model.predict_proba(view[held]) for view in views], axis=0)
            losses.append(log_loss(targets[held], answers, labels=np.unique(targets)))
            if not scores and order.left() < 2 * (time.monotonic() - begun) / len(losses):
                break  # no time for a choice at all
        scores[strength] = float(np.mean(losses))
        dearest = max(dearest, time.monotonic() - begun)
    return min(scores, key=lambda strength: scores[strength]), scores


def trained(views: list[np.ndarray], targets: np.ndarray, strength: float, seed: int) -> Pipeline:
    """A regression on all views of the pictures."""
    options: dict[str, Any] = {"C": strength, "max_iter": 300, "random_state": seed}
    model = make_pipeline(StandardScaler(), LogisticRegression(**options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(np.concatenate(views), np.tile(targets, len(views)))
