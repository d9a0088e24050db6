"""Training and exporting networks of several labels a picture, in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from search_engine.config import Plan, SearchConfig
from search_engine.data.manifest import MULTI
from search_engine.evaluate.task import TASKS
from search_engine.export.onnx import ServingModel, ServingPart, verify, write_onnx
from search_engine.ledger import Entry, Ledger, read_ledger, write_ledger
from search_engine.space.trunks import EMBEDDING
from search_engine.trainer.loop import Examples, predict
from search_engine.trainer.loss import balancing_offsets, entropy, right
from search_engine.trainer.probe import LinearProbe, Majority, fit_probe
from search_engine.trainer.shorten import fewer
from search_engine.trunk.graph import session
from search_engine.trunk.weights import load_trunk

LOGITS = torch.tensor([[2.0, -1.0], [0.5, 0.5], [-3.0, 1.0]])
TARGETS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])


def examples(n: int = 150, labels: int = 3) -> Examples:
    """Features that say something about each label apart."""
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(n, labels, generator=generator) < torch.tensor([0.5, 0.3, 0.8])).float()
    x = torch.randn(n, 12, generator=generator) + 2.0 * targets @ torch.eye(12)[:labels]
    return Examples({EMBEDDING: x}, targets, torch.arange(n))


def test_the_loss_is_the_mean_over_all_labels() -> None:
    expected = np.mean([
        log_loss(TARGETS[:, i], torch.sigmoid(LOGITS[:, i]), labels=[0, 1]) for i in range(2)
    ])  # fmt: skip
    assert float(entropy(LOGITS, TARGETS)) == pytest.approx(expected, abs=1e-6)
    assert float(entropy(LOGITS, TARGETS)) == pytest.approx(
        TASKS[MULTI].loss(torch.sigmoid(LOGITS).numpy(), TARGETS.numpy()), abs=1e-6
    )
    smoothed = 0.8 * float(entropy(LOGITS, TARGETS)) + 0.2 * float(entropy(LOGITS, torch.full((3, 2), 0.5)))
    assert float(entropy(LOGITS, TARGETS, 0.2)) == pytest.approx(smoothed, abs=1e-6)
    assert right(LOGITS, TARGETS).tolist() == [1.0, 0.5, 1.0]


def test_balancing_takes_out_how_common_each_label_is() -> None:
    targets = torch.tensor([[1.0, 0.0]] * 9 + [[0.0, 0.0]])
    offsets = balancing_offsets(targets, 1.0)
    assert offsets is not None
    assert offsets.tolist() == pytest.approx([np.log(9.5 / 1.5), np.log(0.5 / 10.5)], abs=1e-5)


def test_the_probe_is_one_regression_a_label() -> None:
    training = examples()
    probe = LinearProbe(12, 3)
    fit_probe(probe, training, strength=0.1, seed=0)
    x = training.features[EMBEDDING].numpy()
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3)
    logits = predict(probe, training).numpy()
    for label in range(3):
        fit = LogisticRegression(C=0.1, max_iter=1000).fit(x, training.labels[:, label].numpy())
        np.testing.assert_allclose(logits[:, label], fit.decision_function(x), atol=0.02)


def test_a_label_without_a_picture_is_fitted_too_and_never_given() -> None:
    training = examples()
    training.targets[:, 2] = 0.0
    probe = LinearProbe(12, 3)
    fit_probe(probe, training, strength=0.1, seed=0)
    assert (predict(probe, training)[:, 2] < -3.0).all()


def test_the_floor_is_how_common_each_label_is() -> None:
    model = Majority(2)
    model.fit(torch.tensor([[1.0, 0.0]] * 30 + [[0.0, 0.0]] * 10))
    out = torch.sigmoid(model({EMBEDDING: torch.randn(4, 8)}))
    torch.testing.assert_close(out, torch.tensor([[0.75, 0.0]]).expand(4, 2), atol=0.02, rtol=0)


def test_fewer_pictures_are_fewer_of_every_set_of_labels() -> None:
    training = examples()
    some = fewer(training, 0.5)
    everything, kept = (
        np.unique(each.labels.numpy(), axis=0, return_counts=True) for each in (training, some)
    )
    np.testing.assert_array_equal(everything[0], kept[0])
    np.testing.assert_array_equal(kept[1], np.ceil(everything[1] / 2))


def test_the_file_answers_like_the_networks_with_a_sigmoid_each(tmp_path: Path) -> None:
    trunk = load_trunk("efficientnet_lite0")
    torch.manual_seed(0)
    probes = [LinearProbe(1280, 3).eval() for _ in range(2)]
    parts = [
        ServingPart(trunk, probes[0], 96, temperature=0.5, share=0.6),
        ServingPart(trunk, probes[1], 96, temperature=2.0, share=0.4),
    ]
    model = ServingModel(parts, temperature=0.7, multi=True)
    path = tmp_path / "model.onnx"
    write_onnx(model, path)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((96, 96), (150, 61))]
    assert verify(model, path, pictures)["max_abs_diff"] < 1e-4
    answer = session(str(path)).run(None, {"pixels": pictures[0][None]})[0]
    # The site's own half of the same: what an ensemble is judged by.
    with torch.no_grad():
        features = trunk(torch.from_numpy(pictures[0][None]).permute(0, 3, 1, 2).float())
        logits = [probe(features).numpy() for probe in probes]
    task = TASKS[MULTI]
    mixed = 0.6 * task.probabilities(logits[0], 0.5) + 0.4 * task.probabilities(logits[1], 2.0)
    np.testing.assert_allclose(answer, task.probabilities(task.logits(mixed), 0.7), atol=1e-4)


def test_a_ledger_keeps_the_figures_and_one_without_any_is_as_before(tmp_path: Path) -> None:
    plan = Plan(
        trunk="efficientnet_lite0",
        resolution=96,
        pictures=9,
        epochs=1,
        trial_seconds=1.0,
        prepare_seconds=1.0,
        finish_seconds=1.0,
    )
    plain = Entry(number=0, kind="majority", origin="control", state="finished", accuracy=0.5)
    more = replace(plain, figures={"mean_average_precision": 0.9, "subset_accuracy": 0.4})
    config = SearchConfig(budget_seconds=60.0)
    several, single = (Ledger(config=config, plan=plan, split="", entries=(each,)) for each in (more, plain))
    write_ledger(several, tmp_path / "ledger.jsonl")
    assert read_ledger(tmp_path / "ledger.jsonl") == several
    assert several.csv().splitlines()[0].endswith(",error,mean_average_precision,subset_accuracy")
    assert several.csv().splitlines()[1].endswith(",0.9,0.4")
    assert "figures" not in "".join(single.lines())
    assert single.csv().splitlines()[0].endswith(",error")
