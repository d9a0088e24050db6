"""When size is allowed to choose, and when not."""

from __future__ import annotations

import math
import random

import pytest
from scipy.stats import spearmanr

from search_engine.fidelity.prefilter import FEWEST, Prefilter, Trust, spearman

Scores = tuple[float, ...]


def networks(count: int, *, effect: float, seed: int = 0) -> list[tuple[Scores, float]]:
    """Proxies that share a size, and rewards that depend on it by ``effect`` standard deviations."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        size = rng.gauss(0, 1)
        scores = tuple(size + rng.gauss(0, 0.3) for _ in range(3))
        made.append((scores, effect * size + rng.gauss(0, 1)))
    return made


DRAWS: list[Scores] = [(1.0, 5.0, 2.0), (3.0, 6.0, 9.0), (2.0, 7.0, 1.0)]


def test_it_chooses_the_largest_where_size_foretells_accuracy() -> None:
    prefilter = Prefilter(networks(18, effect=2.0))
    assert prefilter.trust.trusted
    assert prefilter.pick(DRAWS) == 1


def test_it_takes_the_first_draw_where_size_foretells_nothing_or_the_opposite() -> None:
    for effect in (0.0, -2.0):
        prefilter = Prefilter(networks(60, effect=effect))
        assert not prefilter.trust.trusted
        assert prefilter.pick(DRAWS) == 0


def test_it_gains_where_size_matters() -> None:
    """The mean reward of what it picks from 8 draws is well above that of a draw."""
    prefilter = Prefilter(networks(20, effect=1.0))
    gained = 0.0
    for seed in range(100):
        draws = networks(8, effect=1.0, seed=1000 + seed)
        gained += draws[prefilter.pick([scores for scores, _ in draws])][1] / 100
    assert gained > 0.8  # the largest of 8 normal sizes is 1.4 on average; a draw is 0


def test_fewer_than_twelve_networks_prove_nothing() -> None:
    history = networks(FEWEST, effect=5.0)
    assert Prefilter(history).trust.trusted
    assert not Prefilter(history[:-1]).trust.trusted
    assert Prefilter(history[:-1]).pick(DRAWS) == 0
    assert Prefilter([]).pick(DRAWS) == 0


def test_failed_trainings_are_no_evidence() -> None:
    history = networks(FEWEST, effect=5.0)
    prefilter = Prefilter([*history, ((99.0, 99.0, 99.0), math.nan), ((98.0, 98.0, 98.0), -math.inf)])
    assert prefilter.trust == Prefilter(history).trust
    assert not Prefilter([(scores, math.nan) for scores, _ in history]).trust.trusted


def test_rewards_that_are_all_equal_prove_nothing() -> None:
    prefilter = Prefilter([(scores, 0.5) for scores, _ in networks(20, effect=1.0)])
    assert math.isnan(prefilter.trust.correlation)
    assert prefilter.pick(DRAWS) == 0


def test_same_history_same_choice_in_any_order() -> None:
    history = networks(30, effect=1.0)
    shuffled = random.Random(1).sample(history, len(history))
    assert Prefilter(shuffled).trust.correlation == pytest.approx(Prefilter(history).trust.correlation)
    assert Prefilter(shuffled).pick(DRAWS) == Prefilter(history).pick(DRAWS)
    assert Prefilter(history).pick([(1.0,), (1.0,), (1.0,)]) == 0


def test_it_says_what_it_does_and_why() -> None:
    assert Trust(0.52, 18).sentence(8) == (
        "Size foretells accuracy here (rank correlation 0.52 over 18 networks), "
        "so of 8 draws the largest is trained."
    )
    assert "does not foretell" in Trust(0.1, 18).sentence(8)
    assert "5 so far" in Trust(0.9, 5).sentence(8)
    assert "equally well" in Trust(math.nan, 20).sentence(8)


def test_no_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to choose"):
        Prefilter([]).pick([])


def test_rank_correlation_shares_the_ranks_of_equals() -> None:
    rng = random.Random(2)
    first = [float(rng.randint(0, 4)) for _ in range(40)]
    second = [value + rng.randint(0, 3) for value in first]
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
