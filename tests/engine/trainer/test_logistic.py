"""Logistic regression on a candidate: as good as scikit-learn's, within its time, and no more than linear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from search_engine.errors import Cancelled, SpaceError
from search_engine.space.architecture import Head, Trunk
from search_engine.space.build import Candidate
from search_engine.space.hybrid import HybridSpace
from search_engine.space.trunks import EMBEDDING, POOLED, TRUNKS
from search_engine.trainer.folds import Fold
from search_engine.trainer.logistic import STRENGTHS, fit_logistic
from search_engine.trainer.loop import Examples, predict

TRUNK = Trunk("efficientnet_lite0", 96)
SPEC = TRUNKS[TRUNK.name]
SPACE = HybridSpace(TRUNK, pooled=True)
GENOME = SPACE.decode(SPACE.starts[0])


def clusters(n: int, seed: int) -> Examples:
    """Three labels; what tells them apart is in ``pooled`` alone."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(n) % 3
    pooled = torch.randn(n, SPEC.pooled, generator=generator)
    pooled[:, :60] += 2.0 * torch.eye(3)[targets].repeat(1, 20)
    features = {EMBEDDING: torch.randn(n, SPEC.embedding, generator=generator), POOLED: pooled}
    return Examples({name: t.half() for name, t in features.items()}, targets, torch.arange(n))


def fit(
    model: Candidate, validation: Examples | None, *, strength: float | None, seconds: float = 30.0
) -> float:
    return fit_logistic(
        [model],
        [Fold(clusters(300, 0), validation)],
        strength=strength,
        seconds=seconds,
        seed=0,
        should_stop=lambda: False,
    )


def test_it_agrees_with_scikit_learn() -> None:
    model, training, fresh = Candidate(GENOME, 3), clusters(300, 0), clusters(60, 1)
    assert fit(model, None, strength=0.01) == 0.01

    def matrix(examples: Examples) -> np.ndarray:
        features, _ = examples.batch(torch.arange(len(examples)))
        rows: np.ndarray = model.feature_norm(model.joined(features)).numpy()
        return rows

    theirs = LogisticRegression(C=0.01, max_iter=1000, tol=1e-6).fit(
        matrix(training), training.labels.numpy()
    )
    expected = theirs.predict_proba(matrix(fresh))
    ours = torch.softmax(predict(model, fresh), 1).numpy()
    assert np.abs(ours - expected).max() < 0.01


def test_it_chooses_the_strength_with_the_least_loss_on_the_validation_pictures() -> None:
    validation = clusters(60, 1)
    losses = {}
    for strength in STRENGTHS:
        model = Candidate(GENOME, 3)
        fit(model, None, strength=strength)
        losses[strength] = torch.nn.functional.cross_entropy(predict(model, validation), validation.labels)
    assert fit(Candidate(GENOME, 3), validation, strength=None) == min(losses, key=losses.__getitem__)


def test_without_time_it_still_gives_a_model_that_knows_something() -> None:
    model, validation = Candidate(GENOME, 3), clusters(60, 1)
    assert fit(model, validation, strength=None, seconds=0.0) == STRENGTHS[0]
    assert (predict(model, validation).argmax(1) == validation.labels).float().mean() > 0.6


def test_it_stops_when_told() -> None:
    with pytest.raises(Cancelled):
        fit_logistic(
            [Candidate(GENOME, 3)],
            [Fold(clusters(60, 0), None)],
            strength=0.1,
            seconds=30.0,
            seed=0,
            should_stop=lambda: True,
        )


def test_hidden_units_are_refused() -> None:
    with pytest.raises(SpaceError, match="without cells and hidden units"):
        fit(Candidate(replace(GENOME, head=Head(16, 0.0)), 3), None, strength=0.1)
