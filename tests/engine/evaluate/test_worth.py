"""What a search was worth."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from search_engine.evaluate.bootstrap import pack_bits
from search_engine.evaluate.worth import Comparison, Question, Scored, worth
from search_engine.trial import Kind, Origin

PICTURES = 200


def scored(
    number: int, right: int, origin: Origin = Origin.STRATEGY, kind: Kind = Kind.NETWORK, *, bits: bool = True
) -> Scored:
    row = np.arange(PICTURES) < right
    return Scored(number, kind, origin, right / PICTURES, pack_bits(row) if bits else "")


def arms(*, bits: bool = True) -> list[Scored]:
    return [
        scored(1, 150, Origin.CONTROL, Kind.LINEAR_PROBE, bits=bits),
        scored(2, 160, bits=bits),
        scored(3, 158, Origin.RANDOM, bits=bits),
        scored(4, 155, bits=bits),
        scored(5, 140, Origin.RANDOM, bits=bits),
        scored(6, 190, bits=bits),
    ]


def by_question(comparisons: tuple[Comparison, ...]) -> dict[Question, Comparison]:
    return {c.question: c for c in comparisons}


def test_fair_comparison_gives_both_arms_as_many_tries() -> None:
    found = by_question(worth(arms(), seed=0))[Question.FAIR]
    assert (found.first, found.second) == (2, 3)  # the 190 of network 6 came later
    assert (found.first_tries, found.second_tries) == (2, 2)
    assert found.difference == pytest.approx(2 / PICTURES)
    assert found.may_be_chance


def test_all_networks_are_compared_with_plain_transfer_learning() -> None:
    found = by_question(worth(arms(), seed=0))
    assert (found[Question.ALL].first, found[Question.ALL].first_tries) == (6, 3)
    probe = found[Question.PROBE]
    assert (probe.first, probe.second, probe.pictures) == (6, 1, PICTURES)
    assert probe.low is not None
    assert 0 < probe.low < probe.difference
    assert not probe.may_be_chance


def test_they_are_compared_with_plain_fine_tuning_where_there_is_some() -> None:
    tuned = scored(7, 170, Origin.CONTROL, Kind.FINE_TUNE)
    found = by_question(worth([*arms(), tuned], seed=0))
    assert (found[Question.TUNED].first, found[Question.TUNED].second) == (6, 7)
    assert found[Question.PROBE].second == 1
    assert Question.TUNED not in by_question(worth(arms(), seed=0))


def test_without_the_pictures_there_is_a_difference_but_no_interval() -> None:
    found = by_question(worth(arms(bits=False), seed=0))[Question.PROBE]
    assert found.difference == pytest.approx(40 / PICTURES)
    assert (found.low, found.high, found.pictures) == (None, None, 0)
    assert found.may_be_chance


def test_questions_that_nobody_can_answer_yet_are_left_out() -> None:
    assert worth([], seed=0) == ()
    assert [c.question for c in worth(arms()[:2], seed=0)] == [Question.PROBE]


def test_under_another_objective_the_best_is_who_earned_most() -> None:
    """As the search itself: a slower network may be more accurate and still be worse."""
    slow = replace(scored(2, 170), factor=0.9)
    fast, drawn = scored(4, 160), scored(3, 160, Origin.RANDOM)
    found = by_question(worth([slow, drawn, fast], seed=0))[Question.ALL]
    assert (found.first, found.second) == (4, 3)
    assert found.difference == 0.0
    alone = by_question(worth([slow, drawn], seed=0))[Question.FAIR]
    assert alone.difference == pytest.approx(0.9 * 0.85 - 0.8)
    assert alone.low is not None
    assert alone.low < alone.difference < 0
    assert not alone.may_be_chance


def test_answers_travel_as_json() -> None:
    found = json.loads(json.dumps([c.to_dict() for c in worth(arms(), seed=0)]))
    assert [row["question"] for row in found] == ["fair", "all", "probe"]
    assert [row["may_be_chance"] for row in found] == [True, False, False]
