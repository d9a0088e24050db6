from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from sklearn import metrics as reference

from search_engine.evaluate.metrics import kendall_tau, log_loss, report, standard_error, wilson_interval


def test_the_report_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 200)
    probabilities = rng.dirichlet(np.ones(4), 200)
    probabilities[np.arange(200), targets] += 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(1)
    figures = report(probabilities, targets, ("a", "b", "c", "d"))
    assert figures["accuracy"] == pytest.approx(reference.accuracy_score(targets, predicted))
    assert figures["macro_f1"] == pytest.approx(reference.f1_score(targets, predicted, average="macro"))
    assert figures["log_loss"] == pytest.approx(reference.log_loss(targets, probabilities))
    assert figures["confusion"] == reference.confusion_matrix(targets, predicted).tolist()
    precision, recall, f1, n = reference.precision_recall_fscore_support(targets, predicted)
    for index, row in enumerate(figures["per_class"]):
        assert row["precision"] == pytest.approx(precision[index])
        assert row["recall"] == pytest.approx(recall[index])
        assert row["f1"] == pytest.approx(f1[index])
        assert row["n"] == n[index]


def test_what_cannot_be_known_is_none_and_not_zero() -> None:
    figures = report(np.array([[0.9, 0.1, 0.0]] * 3), np.array([0, 0, 1]), ("a", "b", "c"))
    assert figures["per_class"][1]["precision"] is None  # never predicted
    assert figures["per_class"][2]["recall"] is None  # no pictures
    assert figures["macro_f1"] == pytest.approx((0.8 + 0.0) / 2)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # R's prop.test(right, n, correct = FALSE)$conf.int
    [(93, 100, 0.86253, 0.96567), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (1, 2, 0.09453, 0.90547)],
)
def test_the_interval_is_wilsons(right: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(right, n) == pytest.approx((low, high), abs=1e-4)


def test_nothing_seen_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_perfect_score_on_few_pictures_is_not_certain() -> None:
    assert standard_error(1.0, 10) > 0.05
    assert standard_error(0.5, 10_000) == pytest.approx(0.005, rel=1e-2)


def test_a_certain_error_costs_much_but_not_everything() -> None:
    assert math.isfinite(log_loss(np.array([[1.0, 0.0]]), np.array([1])))


def test_kendall_tau_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for size in (6, 10, 40):
        for levels in (3, 1000):  # with many ties and with hardly any
            first, second = rng.integers(0, levels, (2, size)).tolist()
            assert kendall_tau(first, second) == pytest.approx(
                scipy.stats.kendalltau(first, second).statistic
            )


def test_kendall_tau_knows_order_reverse_and_nothing() -> None:
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == pytest.approx(1.0)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert kendall_tau([1, 2, 3], [5, 5, 5]) == kendall_tau([1], [1]) == kendall_tau([], []) == 0.0
    with pytest.raises(ValueError, match="2 scores cannot be compared with 1"):
        kendall_tau([1, 2], [1])
