"""How a network came about."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace
from search_engine.space.lineage import Change, Step, changes, lineage, where_from
from search_engine.space.registry import SPACES, make_space
from search_engine.space.words import in_words
from search_engine.trial import Kind, Origin, Trial, TrialState, Vector

TRUNK = Trunk("efficientnet_lite0", 128)


@pytest.fixture
def space() -> GenomeSpace:
    return make_space("hybrid", TRUNK)


def tried(
    number: int,
    vector: Vector,
    reward: float | None,
    *,
    parent: int | None = None,
    origin: Origin = Origin.STRATEGY,
    key: str = "",
) -> Trial:
    state = TrialState.FAILED if reward is None else TrialState.FINISHED
    return Trial(number, Kind.NETWORK, origin, state, vector, key, parent, reward, 1.0)


def changed(space: GenomeSpace, vector: Vector, **choices: int) -> Vector:
    places = {decision.name: i for i, decision in enumerate(space.decisions)}
    new = list(vector)
    for name, index in choices.items():
        new[places[name.replace("__", ".")]] = index
    return tuple(new)


def family(space: GenomeSpace) -> list[Trial]:
    first = space.starts[1]
    second = changed(space, first, normal__0__op_a=2)
    third = changed(space, second, recipe__learning_rate=4)
    return [
        tried(2, first, 0.80),
        tried(3, space.starts[0], 0.70),
        tried(4, second, 0.84, parent=2),
        tried(7, third, 0.83, parent=4),
    ]


def test_chain_goes_from_the_first_ancestor_to_the_trial(space: GenomeSpace) -> None:
    steps = lineage(7, family(space)[::-1], space, lambda child, parent: 0.01)
    assert [step.trial.number for step in steps] == [2, 4, 7]
    assert steps[0].changes == ()
    assert steps[0].verdict == ""
    assert steps[1].changes == (
        Change(
            "normal cell, node 1, first operation", "separable convolution 3×3", "separable convolution 5×5"
        ),
    )
    assert steps[2].changes == (Change("recipe, learning rate", "0.002", "0.01"),)


@pytest.mark.parametrize(
    ("gain", "error", "text"),
    [
        (0.04, 0.01, "+4.0 of 100"),
        (0.012, 0.01, "+1.2 of 100, within the noise"),
        (-0.01, 0.01, "−1.0 of 100, within the noise"),
        (-0.2, None, "−20.0 of 100"),
        (0.0, 0.01, "no difference"),
        (0.0004, 0.01, "no difference"),
        (None, None, ""),
    ],
)
def test_gain_is_told_with_its_noise(gain: float | None, error: float | None, text: str) -> None:
    assert Step(tried(1, (), 0.5), gain=gain, error=error).verdict == text


def test_noise_is_asked_for_each_child_and_its_parent(space: GenomeSpace) -> None:
    asked: list[tuple[int, int]] = []

    def error_of(child: Trial, parent: Trial) -> float:
        asked.append((child.number, parent.number))
        return 0.03

    steps = lineage(7, family(space), space, error_of)
    assert asked == [(4, 2), (7, 4)]
    assert [step.is_noise for step in steps] == [False, True, True]


def test_what_makes_no_difference_is_not_told(space: GenomeSpace) -> None:
    """Without cells the operations of their nodes mean nothing."""
    perceptron = space.starts[0]
    child = changed(space, perceptron, normal__0__op_a=2, head__dropout=2)
    assert [change.name for change in changes(perceptron, child, space)] == ["head, dropout"]


def test_promoted_network_is_not_said_to_have_changed(space: GenomeSpace) -> None:
    first = tried(2, space.starts[0], 0.7)
    again = replace(tried(3, space.starts[0], 0.8, parent=2), rung=1)
    step = lineage(3, [first, again], space, lambda c, p: None)[-1]
    assert step.promoted
    assert step.changes == ()
    assert step.verdict == "+10.0 of 100"


def test_trainings_of_different_length_are_not_compared(space: GenomeSpace) -> None:
    first = replace(tried(2, space.starts[0], 0.9), rung=1)
    child = tried(3, changed(space, space.starts[0], head__dropout=2), 0.7, parent=2)
    step = lineage(3, [first, child], space, lambda c, p: 0.01)[-1]
    assert len(step.changes) == 1
    assert (step.gain, step.verdict) == (None, "")


def test_training_that_was_ended_early_is_said_to_be(space: GenomeSpace) -> None:
    first = tried(2, space.starts[0], 0.9)
    child = replace(tried(3, changed(space, space.starts[0], head__dropout=2), 0.7, parent=2), killed=True)
    step = lineage(3, [first, child], space, lambda c, p: 0.01)[-1]
    assert step.verdict == "−20.0 of 100; its training was ended early"


def test_network_that_the_search_was_told_to_begin_with_is_named_so(space: GenomeSpace) -> None:
    trial = tried(2, space.starts[0], 0.5, key="abc")
    assert where_from(trial, space, "evolution", adopted="abc").startswith("The network that this search")


def test_ledger_that_was_tampered_with_ends_the_chain(space: GenomeSpace) -> None:
    vector = space.starts[0]
    assert len(lineage(3, [tried(3, vector, 0.5, parent=3)], space, lambda c, p: None)) == 1
    assert len(lineage(3, [tried(3, vector, 0.5, parent=1)], space, lambda c, p: None)) == 1
    other = [tried(3, (0, 1), 0.5), tried(4, vector, 0.5, parent=3)]
    assert lineage(4, other, space, lambda c, p: None)[-1].changes == ()


@pytest.mark.parametrize(
    ("origin", "strategy", "is_start", "words"),
    [
        (Origin.RANDOM, "evolution", False, "Drawn at random, to show"),
        (Origin.STRATEGY, "evolution", True, "A starting design"),
        (Origin.STRATEGY, "evolution", False, "Drawn at random by the search"),
        (Origin.STRATEGY, "reinforce", False, "Proposed by the controller"),
        (Origin.STRATEGY, "reinforce", True, "A starting design"),
        (Origin.STRATEGY, "local", False, "A new start"),
    ],
)
def test_first_ancestor_says_where_it_comes_from(
    space: GenomeSpace, origin: Origin, strategy: str, is_start: bool, words: str
) -> None:
    vector = space.starts[0] if is_start else space.sample(random.Random(1))
    trial = tried(2, vector, 0.5, origin=origin, key=space.key(vector))
    assert where_from(trial, space, strategy).startswith(words)


@pytest.mark.parametrize("name", SPACES)
def test_every_decision_and_choice_has_words_of_its_own(name: str) -> None:
    decisions = make_space(name, TRUNK).decisions
    words = [in_words(decision) for decision in decisions]
    titles = [each.title for each in words]
    assert len(set(titles)) == len(titles)
    for decision, each in zip(decisions, words, strict=True):
        assert len(set(each.choices)) == len(decision.choices)
        assert not any("_" in text for text in (each.title, *each.choices))
