"""The paired bootstrap, and rows of bits as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_engine.evaluate.bootstrap import (
    Bools,
    pack_bits,
    paired_difference,
    paired_standard_error,
    unpack_bits,
)


def answers(both: int, first_only: int, second_only: int, neither: int) -> tuple[Bools, Bools]:
    first = np.repeat([True, True, False, False], [both, first_only, second_only, neither])
    second = np.repeat([True, False, True, False], [both, first_only, second_only, neither])
    return first, second


@given(st.lists(st.booleans(), max_size=70))
def test_bits_come_back_as_they_were(bits: list[bool]) -> None:
    text = pack_bits(np.array(bits, dtype=bool))
    assert text.isascii()
    assert unpack_bits(text).tolist() == bits


@pytest.mark.parametrize("text", ["", "x:AA==", "3", "9:AA==", "-1:", "8:?"])
def test_text_that_is_no_row_of_bits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="bits"):
        unpack_bits(text)


def test_interval_is_that_of_resampling_the_pictures_themselves() -> None:
    first, second = answers(80, 12, 4, 24)
    difference, low, high = paired_difference(first, second, seed=3)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(first), size=(4000, len(first)))
    drawn = first[rows].mean(axis=1) - second[rows].mean(axis=1)
    assert difference == pytest.approx(8 / 120)
    assert (low, high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.01)


def test_pairing_sees_what_the_accuracies_alone_cannot() -> None:
    """Two of a hundred are within either network's error, yet one is right wherever the other is."""
    first, second = answers(400, 10, 0, 90)
    difference, low, _ = paired_difference(first, second, seed=0)
    assert difference == pytest.approx(0.02)
    assert low > 0
    assert paired_standard_error(first, second) < 0.01


def test_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(300):
        kinds = rng.choice(4, size=200, p=[0.7, 0.1, 0.05, 0.15])
        first, second = np.isin(kinds, (0, 1)), np.isin(kinds, (0, 2))
        _, low, high = paired_difference(first, second, seed)
        held += low <= 0.05 <= high
    assert 0.91 <= held / 300 <= 0.985


def test_same_seed_same_interval() -> None:
    first, second = answers(50, 6, 3, 10)
    assert paired_difference(first, second, 7) == paired_difference(first, second, 7)


def test_order_only_turns_the_sign() -> None:
    first, second = answers(50, 6, 3, 10)
    assert paired_difference(first, second, 1)[0] == -paired_difference(second, first, 1)[0]


def test_networks_that_never_disagree_have_no_difference_but_some_error() -> None:
    first, second = answers(15, 0, 0, 5)
    assert paired_difference(first, second, 0) == (0.0, 0.0, 0.0)
    assert paired_standard_error(first, second) > 0


@pytest.mark.parametrize("lengths", [(0, 0), (3, 4)])
def test_only_pairs_are_compared(lengths: tuple[int, int]) -> None:
    first, second = (np.ones(n, dtype=bool) for n in lengths)
    with pytest.raises(ValueError, match="same pictures"):
        paired_difference(first, second, 0)
