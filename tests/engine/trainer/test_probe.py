from __future__ import annotations

from dataclasses import replace

import torch

from search_engine.space.trunks import EMBEDDING
from search_engine.trainer.loop import Examples, predict
from search_engine.trainer.probe import LinearProbe, Majority, fit_probe


def clusters(classes: int, n: int = 120) -> Examples:
    targets = torch.arange(n) % classes
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 16, generator=generator) + 4.0 * torch.eye(16)[targets]
    return Examples({EMBEDDING: x}, targets, torch.arange(n))


def test_the_probe_tells_clusters_apart() -> None:
    for classes in (2, 5):  # two classes take another path in scikit-learn
        examples = clusters(classes)
        model = LinearProbe(16, classes)
        fit_probe(model, examples, strength=0.1, seed=0)
        assert (predict(model, examples).argmax(1) == examples.labels).float().mean() > 0.95


def test_a_label_without_pictures_is_never_predicted() -> None:
    examples = clusters(3)
    model = LinearProbe(16, 4)
    fit_probe(model, examples, strength=0.1, seed=0)
    assert (predict(model, examples)[:, 3] < -1000).all()


def test_the_majority_gives_the_frequencies() -> None:
    model = Majority(2)
    model.fit(torch.tensor([0, 0, 0, 1]))
    out = torch.softmax(model({EMBEDDING: torch.randn(5, 16)}), 1)
    torch.testing.assert_close(out, torch.tensor([[0.75, 0.25]]).expand(5, 2), atol=1e-3, rtol=0)


def test_a_fold_of_one_label_is_fitted_too() -> None:
    """Of two labels, one may be a single group of near-duplicates: then one fold learns without it."""
    examples = clusters(2)
    alone = replace(examples, rows=examples.rows[examples.labels == 1])
    probe = LinearProbe(examples.features[EMBEDDING].shape[1], 2)
    fit_probe(probe, alone, strength=1.0, seed=0)
    assert set(predict(probe, examples).argmax(1).tolist()) == {1}
