"""``enas``: the supernet's list is believed as far as training alone bears it out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search_engine.space.cost import cost
from search_engine.space.limited import LimitedSpace
from search_engine.strategies import STRATEGIES
from search_engine.strategies.base import Strategy
from search_engine.strategies.enas import Enas
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState, Vector
from tests.engine.strategies.toys import ToySpace, play, trial
from tests.engine.supernet.drawn import HYBRID

SPACE = ToySpace()
FOUND = tuple(((i, 1, 4, 1, 5, 2, 0, 3, 0), 0.9 - 0.1 * i) for i in range(6))
OTHERS = sorted(set(STRATEGIES) - {"enas"})


def supernet(found: tuple[tuple[Vector, float], ...] = FOUND, number: int = 0) -> Trial:
    return Trial(
        number=number,
        kind=Kind.SUPERNET,
        origin=Origin.STRATEGY,
        state=TrialState.FINISHED,
        reward=found[0][1] if found else None,
        seconds=30.0,
        found=found,
    )


def alone(number: int, vector: Vector, reward: float | None) -> Trial:
    done = trial(number, Proposal(vector), SPACE.key(vector))
    return replace(done, reward=reward, state=TrialState.FAILED if reward is None else TrialState.FINISHED)


def follow(strategy: Strategy, rewards: list[float | None]) -> list[Vector]:
    """Train what is proposed, one by one; its vectors, and the one proposed after."""
    strategy.update([supernet()], [])
    vectors = []
    for number, reward in enumerate([*rewards, 0.0], start=1):
        vectors.append(strategy.suggest(1)[0].vector)
        if number <= len(rewards):
            strategy.update([alone(number, vectors[-1], reward)], [])
    return vectors


def listed(vectors: list[Vector]) -> list[bool]:
    return [vector in dict(FOUND) for vector in vectors]


def test_the_three_best_are_trained_alone_first() -> None:
    strategy = Enas(SPACE, 0)
    strategy.update([supernet()], [])
    proposed = [proposal.vector for proposal in strategy.suggest(4)]
    assert proposed[:3] == [vector for vector, _ in FOUND[:3]]
    assert proposed[3] not in dict(FOUND)  # nobody knows yet whether the list is worth anything


def test_the_network_that_was_given_comes_before_the_list() -> None:
    best = HYBRID.starts[1]
    start = HYBRID.starts[0]
    space = LimitedSpace(HYBRID, classes=10, max_parameters=None, first=start)
    strategy = Enas(space, 0)
    strategy.update([supernet(((best, 0.9),))], [])
    assert [proposal.vector for proposal in strategy.suggest(2)] == [start, best]


def test_what_shared_weights_liked_beyond_the_limit_is_passed_over() -> None:
    small, large = sorted(HYBRID.starts, key=lambda v: cost(HYBRID.decode(v), 10).parameters)
    limit = cost(HYBRID.decode(small), 10).parameters
    strategy = Enas(LimitedSpace(HYBRID, classes=10, max_parameters=limit), 0)
    strategy.update([supernet(((large, 0.9), (small, 0.8)))], [])
    assert strategy.suggest(1)[0].vector == small


def test_a_list_that_proves_right_is_gone_through_to_its_end() -> None:
    vectors = follow(Enas(SPACE, 0), [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert vectors[:6] == [vector for vector, _ in FOUND]
    assert listed(vectors[6:]) == [False]


def test_a_list_that_proves_wrong_is_left() -> None:
    strategy = Enas(SPACE, 0)
    assert listed(follow(strategy, [0.7, 0.8, 0.9])) == [True, True, True, False]
    assert strategy.agreement() == pytest.approx(-1.0)


def test_it_is_left_as_soon_as_it_proves_wrong() -> None:
    assert listed(follow(Enas(SPACE, 0), [0.7, 0.5, 0.6, 0.9, 0.8])) == [True, True, True, True, False, False]


def test_equal_rewards_speak_for_nothing() -> None:
    assert listed(follow(Enas(SPACE, 0), [0.8, 0.8, 0.8])) == [True, True, True, False]


def test_a_failed_one_is_made_up_for_by_the_next() -> None:
    assert listed(follow(Enas(SPACE, 0), [0.9, None, 0.8, None, 0.7, 0.6])) == [True] * 6 + [False]


def test_agreement_is_unknown_before_three_have_a_reward() -> None:
    strategy = Enas(SPACE, 0)
    follow(strategy, [0.9, 0.8])
    assert strategy.agreement() is None
    strategy.update([alone(3, FOUND[2][0], 0.7)], [])
    assert strategy.agreement() == pytest.approx(1.0)


def test_the_controller_is_taught_every_reward_alone_and_no_other() -> None:
    rewards = [0.7, 0.8, 0.9]
    ours, plain = Enas(SPACE, 4), STRATEGIES["reinforce"](SPACE, 4)
    after = follow(ours, list(rewards))[-1]
    plain.update([alone(n, FOUND[n - 1][0], r) for n, r in enumerate(rewards, start=1)], [])
    assert plain.suggest(1)[0].vector == after


def test_without_a_supernet_it_is_the_controller_alone() -> None:
    ours, plain = (STRATEGIES[name](SPACE, 3) for name in ("enas", "reinforce"))
    assert play(ours, SPACE, 40) == play(plain, SPACE, 40)


def test_only_the_newest_finished_supernet_counts() -> None:
    strategy = Enas(SPACE, 0)
    newer = supernet(FOUND[3:], number=1)
    strategy.update([newer, replace(supernet(FOUND[5:], number=2), state=TrialState.FAILED), supernet()], [])
    assert [p.vector for p in strategy.suggest(3)] == [vector for vector, _ in FOUND[3:]]


def test_vectors_that_are_not_of_this_space_are_passed_over() -> None:
    strategy = Enas(SPACE, 0)
    strategy.update([supernet((((1, 2), 0.99), *FOUND))], [])
    assert strategy.suggest(1)[0].vector == FOUND[0][0]


def test_replay_gives_the_same_next_suggestion() -> None:
    lived = Enas(SPACE, 0)
    vectors = follow(lived, [0.9, 0.8, 0.7, 0.2])
    told = Enas(SPACE, 0)
    history = [alone(n, vectors[n - 1], r) for n, r in enumerate([0.9, 0.8, 0.7, 0.2], start=1)]
    told.update([*history[::-1], supernet()], [])
    assert told.suggest(2) == lived.suggest(2)


@pytest.mark.parametrize("name", OTHERS)
def test_all_other_strategies_pass_a_supernet_over(name: str) -> None:
    plain, told = STRATEGIES[name](SPACE, 1), STRATEGIES[name](SPACE, 1)
    history = [replace(t, number=t.number + 1) for t in play(STRATEGIES[name](SPACE, 1), SPACE, 12)]
    plain.update(history, [])
    running = replace(supernet(number=13), state=TrialState.RUNNING, reward=None, found=())
    told.update([supernet(), *history], [running])
    assert told.suggest(2) == plain.suggest(2)
