from __future__ import annotations

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
