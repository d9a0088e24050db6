"""Figures of answers with several labels a picture, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from search_engine.data.manifest import MULTI
from search_engine.evaluate import bootstrap, multilabel
from search_engine.evaluate.ensemble import mixture, select
from search_engine.evaluate.metrics import standard_error
from search_engine.evaluate.task import TASKS

LABELS = ("a", "b", "c", "d")
TASK = TASKS[MULTI]


def answers(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities with many ties, and targets that they say something about."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 4)) < [0.5, 0.2, 0.8, 0.05]).astype(np.float32)
    probabilities = np.round(np.clip(0.4 * targets + rng.random((n, 4)) * 0.6, 0.01, 0.99), 2)
    return probabilities, targets


def test_precision_averages_are_those_of_scikit_learn() -> None:
    probabilities, targets = answers()
    for place in range(4):
        ours = multilabel.average_precision(probabilities[:, place], targets[:, place])
        theirs = metrics.average_precision_score(targets[:, place], probabilities[:, place])
        assert ours == pytest.approx(theirs, abs=1e-9)
    ours = multilabel.mean_average_precision(probabilities, targets)
    assert ours == pytest.approx(
        metrics.average_precision_score(targets, probabilities, average="macro"), abs=1e-9
    )


def test_a_label_that_no_picture_has_is_left_out_of_the_mean() -> None:
    probabilities, targets = answers()
    targets[:, 3] = 0.0
    assert multilabel.average_precision(probabilities[:, 3], targets[:, 3]) is None
    assert multilabel.mean_average_precision(probabilities, targets) == pytest.approx(
        metrics.average_precision_score(targets[:, :3], probabilities[:, :3], average="macro"), abs=1e-9
    )
    report = TASK.report(probabilities, targets, LABELS, (0.5,) * 4)
    assert report["per_class"][3] | {"counts": 0, "threshold": 0} == {
        "label": "d", "n": 0, "threshold": 0, "average_precision": None,
        "precision": 0.0, "recall": None, "f1": 0.0, "counts": 0,
    }  # fmt: skip


def test_the_report_is_scikit_learns() -> None:
    probabilities, targets = answers()
    thresholds = (0.5, 0.45, 0.6, 0.3)
    report = TASK.report(probabilities, targets, LABELS, thresholds)
    given, there = (probabilities >= np.array(thresholds)).astype(int), targets.astype(int)
    assert report["accuracy"] == pytest.approx(1 - metrics.hamming_loss(there, given), abs=1e-9)
    assert report["subset_accuracy"] == pytest.approx(metrics.accuracy_score(there, given), abs=1e-9)
    assert report["macro_f1"] == pytest.approx(metrics.f1_score(there, given, average="macro"), abs=1e-9)
    assert report["log_loss"] == pytest.approx(
        np.mean([metrics.log_loss(there[:, i], probabilities[:, i], labels=[0, 1]) for i in range(4)]),
        abs=1e-9,
    )
    assert (report["n"], report["decisions"]) == (200, 800)
    precision, recall, f1, n = metrics.precision_recall_fscore_support(there, given)
    counts = metrics.multilabel_confusion_matrix(there, given)
    for place, row in enumerate(report["per_class"]):
        assert row["precision"] == pytest.approx(precision[place], abs=1e-9)
        assert row["recall"] == pytest.approx(recall[place], abs=1e-9)
        assert row["f1"] == pytest.approx(f1[place], abs=1e-9)
        assert row["n"] == n[place]
        assert row["counts"] == counts[place].tolist()
        assert row["threshold"] == thresholds[place]


def test_thresholds_are_nearest_to_even_odds_of_those_whose_f1_is_as_good_as_the_highest() -> None:
    probabilities, targets = answers()
    probabilities[:, 1] *= 0.6  # so that even odds miss most of this label
    found = multilabel.best_thresholds(probabilities, targets)
    assert found[1] < 0.4
    for place, threshold in enumerate(found):

        def f1(cut: float, place: int = place) -> float:
            return float(metrics.f1_score(targets[:, place], probabilities[:, place] >= cut))

        cuts = np.arange(0.005, 1.0, 0.005)
        highest = max(cuts, key=f1)
        given, there = probabilities[:, place] >= highest, targets[:, place] > 0.5
        error = multilabel.f1_error(int((given & there).sum()), int(given.sum()), int(there.sum()))
        assert 0.01 < error < 0.2
        least = f1(highest) - multilabel.SLACK * error
        assert f1(threshold) >= least
        for cut in cuts[np.abs(cuts - 0.5) < abs(threshold - 0.5)]:
            same = ((probabilities[:, place] >= cut) == (probabilities[:, place] >= threshold)).all()
            assert same or f1(cut) < least


def test_with_many_pictures_the_threshold_goes_to_where_f1_is_highest() -> None:
    rng = np.random.default_rng(0)
    chance = rng.beta(0.5, 4.0, size=(40_000, 1))  # rare, and calibrated: the best is half of the highest F1
    targets = (rng.random(chance.shape) < chance).astype(np.float32)
    [threshold] = multilabel.best_thresholds(chance, targets)
    highest = max(metrics.f1_score(targets, chance >= cut) for cut in np.arange(0.1, 0.6, 0.01))
    assert threshold < 0.35
    assert metrics.f1_score(targets, chance >= threshold) > highest - 0.01


def test_a_rare_label_gets_even_odds_and_so_does_one_that_they_serve_best() -> None:
    there = np.array([[1.0]] * 4 + [[0.0]] * 40)
    scores = np.linspace(0.4, 0.01, 44)[:, None]
    assert multilabel.best_thresholds(scores, there) == (0.5,)
    assert multilabel.best_thresholds(1.0 - scores, 1.0 - there) == (0.5,)  # too few are without it
    sure = np.array([[0.9]] * 10 + [[0.1]] * 10)
    assert multilabel.best_thresholds(sure, (sure > 0.5).astype(float)) == (0.5,)


def test_a_temperature_brings_overconfident_answers_back() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    targets = (rng.random((4000, 3)) < multilabel.sigmoid(logits)).astype(np.float32)
    assert multilabel.fit_temperature(3.0 * logits, targets) == pytest.approx(3.0, rel=0.1)
    off, right = (multilabel.calibration_error(multilabel.sigmoid(k * logits), targets) for k in (3.0, 1.0))
    assert right < 0.03 < off


def test_right_answers_on_all_do_not_make_a_temperature_of_nothing() -> None:
    targets = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert multilabel.fit_temperature(20.0 * targets - 10.0, targets) > 1.0


def test_logits_and_probabilities_are_each_others_inverse() -> None:
    probabilities, _ = answers()
    np.testing.assert_allclose(TASK.probabilities(TASK.logits(probabilities)), probabilities, atol=1e-9)


def test_an_ensemble_is_selected_by_binary_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(400, 2)) * 3
    targets = (truth > 0).astype(np.float32)
    noisy = [multilabel.sigmoid(truth + rng.normal(size=truth.shape) * 2) for _ in range(3)]
    useless = np.full_like(truth, 0.5)
    chosen = select([useless, *noisy], targets, most=3, loss=TASK.loss)
    assert 0 not in chosen
    assert len(chosen) > 1
    total = sum(chosen.values())
    mixed = mixture([[useless, *noisy][p] for p in chosen], [count / total for count in chosen.values()])
    assert TASK.loss(mixed, targets) < min(TASK.loss(each, targets) for each in noisy)


def test_labels_of_one_picture_are_not_taken_for_independent() -> None:
    """Ten labels that always go wrong together say no more than one."""
    rng = np.random.default_rng(0)
    first, second = rng.random(300) < 0.9, rng.random(300) < 0.8
    wide_first, wide_second = np.tile(first[:, None], (1, 10)), np.tile(second[:, None], (1, 10))
    one, ten = bootstrap.standard_error_of(first), bootstrap.standard_error_of(wide_first)
    assert one == pytest.approx(standard_error(first.mean(), 300))
    assert ten == pytest.approx(one)
    assert bootstrap.paired_standard_error(wide_first, wide_second) == pytest.approx(
        bootstrap.paired_standard_error(first, second)
    )
    narrow = bootstrap.paired_difference(first, second, 0)
    wide = bootstrap.paired_difference(wide_first, wide_second, 0)
    assert wide == pytest.approx(narrow, abs=0.005)


def test_many_labels_that_go_wrong_apart_say_more_than_one() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((300, 10)) < 0.9
    assert bootstrap.standard_error_of(right) < 0.5 * bootstrap.standard_error_of(right[:, 0])
    low, high = bootstrap.interval_of(right)
    assert low < right.mean() < high
    assert high - low < 0.03


def test_an_interval_of_answers_that_are_all_right_is_no_point() -> None:
    low, high = bootstrap.interval_of(np.ones((50, 3), np.bool_))
    assert low == pytest.approx(0.929, abs=0.001)
    assert high == 1.0


def test_bits_of_several_labels_are_packed_with_their_shape() -> None:
    right = np.random.default_rng(0).random((13, 3)) < 0.5
    packed = bootstrap.pack_bits(right)
    assert packed.startswith("13x3:")
    np.testing.assert_array_equal(bootstrap.unpack_bits(packed), right)
    with pytest.raises(ValueError, match="cannot hold"):
        bootstrap.unpack_bits("13x4:" + packed.partition(":")[2])
    with pytest.raises(ValueError, match="same pictures"):
        bootstrap.paired_difference(right, right[:, :2], 0)
