"""Who is killed early, and who must not be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import t as students

from search_engine.fidelity.curves import chance_to_beat, extrapolate, should_kill, student_above

CHANCE = 0.1
EPOCHS = 12


def draw_curve(rng: np.random.Generator, pictures: int, epochs: int = EPOCHS) -> list[float]:
    """A training with one cycle: near chance at first, rising when the learning rate falls, some very late.

    How late is independent of how high, so nothing but the last epochs tells a late winner from a failure.
    """
    end = CHANCE + (0.98 - CHANCE) * float(rng.beta(5.0, 1.2))
    lateness, steepness = float(rng.uniform(0.1, 0.5)), float(rng.uniform(5.0, 14.0))
    progress = np.arange(1, epochs + 1) / epochs
    rise = 1.0 / (1.0 + np.exp(-steepness * (progress - lateness)))
    rise = rise / rise[-1]
    accuracy = CHANCE + (end - CHANCE) * rise
    return [float(hits) / pictures for hits in rng.binomial(pictures, accuracy)]


@dataclass
class Tally:
    """Of many searches: trials that would have become the best, and those that were far from it."""

    winners: int = 0
    winners_killed: int = 0
    hopeless: int = 0
    hopeless_killed: int = 0
    epochs: int = 0
    epochs_saved: int = 0
    kills: int = 0


def search(rng: np.random.Generator, pictures: int, trials: int, tally: Tally) -> None:
    """One search whose trials are drawn at random; the killed leave no finished curve behind."""
    finished: list[list[float]] = []
    best = 0.0
    for _ in range(trials):
        curve = draw_curve(rng, pictures)
        killed = next(
            (k for k in range(1, EPOCHS + 1) if should_kill(curve[:k], EPOCHS, best, finished)), None
        )
        wins, hopeless = curve[-1] > best, curve[-1] < best - 0.1
        tally.winners += wins
        tally.winners_killed += wins and killed is not None
        tally.hopeless += hopeless
        tally.hopeless_killed += hopeless and killed is not None
        tally.epochs += EPOCHS
        tally.epochs_saved += EPOCHS - killed if killed else 0
        tally.kills += killed is not None
        if killed is None:
            finished.append(curve)
            best = max(best, curve[-1])


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Of 24 searches of 30 trials, with 200 to 500 validation pictures."""
    total = Tally()
    for seed in range(24):
        rng = np.random.default_rng(seed)
        search(rng, int(rng.integers(200, 501)), 30, total)
    return total


def test_it_loses_hardly_any_trial_that_would_have_won(tally: Tally) -> None:
    assert tally.winners > 80
    assert tally.winners_killed <= 0.05 * tally.winners


def test_it_ends_most_of_the_hopeless_and_saves_epochs(tally: Tally) -> None:
    assert tally.hopeless_killed >= 0.7 * tally.hopeless
    assert tally.epochs_saved >= 0.1 * tally.epochs


def curves(count: int, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    return [draw_curve(rng, 300) for _ in range(count)]


HOPELESS = [CHANCE] * 8


def test_nobody_is_killed_before_a_third_of_the_schedule_nor_at_its_end() -> None:
    finished = curves(20)
    killed = [should_kill(HOPELESS[:k], EPOCHS, 0.99, finished) for k in range(1, 9)]
    assert not any(killed[:3])
    assert killed[-1]
    assert not should_kill([CHANCE] * EPOCHS, EPOCHS, 0.99, finished)


def test_without_five_finished_curves_nobody_is_killed() -> None:
    flat = [[0.9] * EPOCHS] * 4
    assert chance_to_beat(HOPELESS, EPOCHS, 0.99, flat) == 1.0
    assert chance_to_beat(HOPELESS, EPOCHS, 0.99, [*flat, [0.9] * EPOCHS]) < 1.0


def test_curves_of_nothing_but_missing_values_are_no_evidence() -> None:
    nothing = [math.nan] * EPOCHS
    assert chance_to_beat([math.nan] * 6, EPOCHS, 0.9, curves(20)) == 1.0
    assert chance_to_beat(HOPELESS, EPOCHS, 0.9, [nothing] * 20) == 1.0
    assert chance_to_beat(HOPELESS, EPOCHS, math.nan, curves(20)) == 1.0


def test_a_missing_epoch_changes_little() -> None:
    whole = curves(1, seed=5)[0][:8]
    gap = [*whole[:2], math.nan, *whole[3:]]
    finished = curves(30)
    assert chance_to_beat(gap, EPOCHS, 0.9, finished) == pytest.approx(
        chance_to_beat(whole, EPOCHS, 0.9, finished), abs=0.1
    )


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_curves_are_handled(level: float) -> None:
    flat = [[level] * EPOCHS] * 10
    assert extrapolate([level] * 6, EPOCHS) == pytest.approx(level)
    assert chance_to_beat([level] * 6, EPOCHS, 0.25, flat) == pytest.approx(float(level > 0.25), abs=0.01)


def test_a_perfect_incumbent_cannot_be_beaten() -> None:
    assert chance_to_beat([1.0] * 6, EPOCHS, 1.0, [[1.0] * EPOCHS] * 10) == 0.0


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_curve_too_short_to_extrapolate_is_left_alone(length: int) -> None:
    assert extrapolate([0.1] * length, EPOCHS) is None
    assert not should_kill([0.1] * length, 3, 0.99, curves(20))
    assert not should_kill([0.1] * length, max(1, length), 0.99, curves(20))


def test_finished_schedules_of_one_epoch_are_no_evidence() -> None:
    assert chance_to_beat(HOPELESS, EPOCHS, 0.99, [[0.5]] * 20) == 1.0


def test_schedules_of_other_lengths_are_cut_at_the_same_share() -> None:
    rng = np.random.default_rng(3)
    longer = [draw_curve(rng, 300, epochs=24) for _ in range(20)]
    assert should_kill(HOPELESS, EPOCHS, 0.97, longer)


def test_a_better_curve_and_a_weaker_incumbent_never_have_less_of_a_chance() -> None:
    finished = curves(20)
    chances = [chance_to_beat([0.1, 0.2, 0.3, level], EPOCHS, 0.9, finished) for level in (0.3, 0.5, 0.8)]
    assert chances == sorted(chances)
    bars = [chance_to_beat([0.1, 0.2, 0.3, 0.5], EPOCHS, bar, finished) for bar in (0.99, 0.9, 0.5)]
    assert bars == sorted(bars)


def test_a_power_law_is_extrapolated_exactly() -> None:
    law = [0.9 - 0.5 * k**-0.5 for k in range(1, 31)]
    assert extrapolate(law[:10], 30) == pytest.approx(law[-1])


def test_a_falling_curve_is_not_taken_for_a_trend() -> None:
    falling = extrapolate([0.9, 0.8, 0.7, 0.6], EPOCHS)
    assert falling is not None
    assert 0.6 <= falling <= 0.9


def test_tails_are_those_of_students_t() -> None:
    for degrees in (1, 2, 3, 4, 7, 10, 31):
        for t in (-4.0, -0.5, 0.0, 1.3, 9.0):
            assert student_above(t, degrees) == pytest.approx(students.sf(t, degrees), abs=1e-12)
