"""The arithmetic of the benchmark's tables."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.peers.scores import Row, auc, budget_table, rank_table, ranks, scores, set_table


def row(method: str, seed: int, accuracy: float, log_loss: float = 0.5, name: str = "toys") -> Row:
    return {
        "set": name,
        "minutes": 2.0,
        "seed": seed,
        "method": method,
        "accuracy": accuracy,
        "balanced": accuracy,
        "log_loss": log_loss,
        "fit_seconds": 100.0 + 20 * seed,
        "cpu_seconds": 90.0,
    }


def failed(method: str) -> Row:
    return {"set": "toys", "minutes": 2.0, "seed": 0, "method": method, "error": "no hub"}


def test_scores_of_answers_counted_by_hand() -> None:
    found = scores(np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.4, 0.6]]), np.array([0, 0, 0, 1]))
    assert found["accuracy"] == 0.5
    assert found["balanced"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.3, 0.6]).mean())
    assert found["auc"] == pytest.approx((1 + 0.5 + 0) / 3)


def test_a_certain_mistake_costs_the_same_whoever_makes_it() -> None:
    found = scores(np.array([[1.0, 0.0, 0.0]]), np.array([1]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-7), rel=1e-3)
    assert "auc" not in found


@pytest.mark.parametrize("answers", [np.ones((2, 2)), np.array([[np.nan, 1.0]])])
def test_answers_that_are_none_are_refused(answers: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no answer for 1 pictures"):
        scores(answers, np.array([0]))


def test_auc_of_a_perfect_order_is_one() -> None:
    assert auc(np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1])) == 1.0


def test_ties_share_a_rank_and_what_failed_is_last() -> None:
    assert ranks([0.9, None, 0.8, 0.9]) == [1.5, 4.0, 3.0, 1.5]


def test_rank_table_compares_with_the_best_peer_and_not_with_our_variants() -> None:
    rows = [row("ours", 0, 0.9, 0.2), row("ours-plain", 0, 0.95), row("probe", 0, 0.85, 0.4), failed("taps")]
    rows += [row("probe", 1, 0.87, 0.3)]
    text = rank_table(rows)
    assert "| ours | 2.00 | +4.0; -0.150 |" in text
    assert "| ours-plain | 1.00 | +9.0; +0.150 |" in text
    assert "| taps | 4.00 | - |" in text


def test_mean_rank_is_over_sets() -> None:
    rows = [row("ours", 0, 0.9), row("probe", 0, 0.8)]
    rows += [row("ours", 0, 0.7, name="signs"), row("probe", 0, 0.8, name="signs")]
    assert "| ours | 1.50 | +10.0; +0.000 | -10.0; +0.000 |" in rank_table(rows)


def test_set_table_has_spread_and_says_what_failed() -> None:
    text = set_table("toys", [row("ours", 0, 0.9), row("ours", 1, 0.8), failed("autokeras")])
    assert "| ours | 2 of 2 | 85.0 ± 7.1 | 85.0 ± 7.1 | 0.500 ± 0.000 | - | 110 ± 14 | 90 ± 0 |" in text
    assert "- autokeras: no hub" in text


def test_budget_table_has_our_runs_alone() -> None:
    text = budget_table([row("ours", 0, 0.9), row("ours", 1, 0.9), row("probe", 0, 0.9)])
    assert "| ours | toys | 2 | 110 | 120 | +0 % |" in text
    assert "probe" not in text
