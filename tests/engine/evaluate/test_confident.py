"""Confident learning against examples worked by hand, and on handwritten digits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from scripts.measure_suspects import recall_in_top
from search_engine.evaluate.confident import class_thresholds, confident_joint, rank

# Two labels. Where given and model agree: 0.9 and 0.7 of label 0, 0.8 and 0.6 of label 1.
PROBABILITIES = np.array(
    [
        [0.9, 0.1],
        [0.7, 0.3],
        [0.2, 0.8],  # given 0, and as surely 1 as those that are: 0.8 is at least 0.7
        [0.4, 0.6],  # given 0, less surely 1: not confident
        [0.2, 0.8],
        [0.4, 0.6],
        [0.95, 0.05],  # given 1, surely 0
    ]
)
GIVEN = np.array([0, 0, 0, 0, 1, 1, 1])


def test_a_threshold_is_the_mean_where_label_and_model_agree() -> None:
    assert class_thresholds(PROBABILITIES, GIVEN).tolist() == pytest.approx([0.8, 0.7])


def test_the_joint_counts_what_is_confidently_something_by_what_it_was_given() -> None:
    # Of label 0 one is confidently that (0.9) and one 1; of label 1 one (0.8) and one 0.
    assert confident_joint(PROBABILITIES, GIVEN).tolist() == [[1, 1], [1, 1]]


def test_of_two_labels_beyond_their_thresholds_the_likelier_counts() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.45, 0.5, 0.05], [0.1, 0.1, 0.8]])
    given = np.array([0, 1, 2, 2])  # thresholds 0.5, 0.5 and 0.8
    assert confident_joint(probabilities, given).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_the_most_suspect_come_first_and_as_many_are_suspected_as_the_joint_says() -> None:
    ranking = rank(PROBABILITIES, GIVEN)
    assert np.argsort(-ranking.suspicion)[:2].tolist() == [6, 2]
    assert ranking.suspicion[6] == pytest.approx(0.95)
    assert np.flatnonzero(ranking.suspected).tolist() == [2, 6]
    assert ranking.likeliest.tolist() == [0, 0, 1, 1, 1, 1, 0]


def test_a_label_that_no_picture_has_or_nothing_agrees_on_is_never_seen_confidently() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.2, 0.1, 0.7], [0.8, 0.1, 0.1]])
    given = np.array([0, 0, 1])  # none of label 2; on label 1 nothing agrees
    assert class_thresholds(probabilities, given).tolist() == [0.9, np.inf, np.inf]
    assert not rank(probabilities, given).suspected.any()


def test_where_all_fits_nothing_is_suspected() -> None:
    probabilities = np.full((6, 3), 0.1) + 0.7 * np.eye(3)[[0, 0, 1, 1, 2, 2]]
    assert not rank(probabilities, np.array([0, 0, 1, 1, 2, 2])).suspected.any()


@pytest.mark.parametrize("seed", [0, 1])
def test_most_of_five_flips_in_a_hundred_are_in_the_top_tenth(seed: int) -> None:
    digits = load_digits()
    rng = np.random.default_rng(seed)
    is_flip = np.zeros(len(digits.target), dtype=bool)
    is_flip[rng.choice(len(is_flip), round(0.05 * len(is_flip)), replace=False)] = True
    given = np.where(is_flip, (digits.target + rng.integers(1, 10, len(is_flip))) % 10, digits.target)
    model = LogisticRegression(C=0.1, max_iter=1000)
    probabilities = cross_val_predict(model, digits.data / 16.0, given, cv=5, method="predict_proba")
    ranking = rank(probabilities, given)
    assert recall_in_top(ranking.suspicion, is_flip) >= 0.9
    assert is_flip[ranking.suspected].mean() >= 0.8
    assert ranking.suspected.sum() >= 0.5 * is_flip.sum()


def test_of_clean_digits_hardly_any_are_suspected() -> None:
    digits = load_digits()
    model = LogisticRegression(C=0.1, max_iter=1000)
    probabilities = cross_val_predict(model, digits.data / 16.0, digits.target, cv=5, method="predict_proba")
    assert rank(probabilities, digits.target).suspected.mean() < 0.02
