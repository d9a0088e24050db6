"""What every strategy must do; one joins by being in the registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search_engine.space.architecture import Trunk
from search_engine.space.cost import cost
from search_engine.space.hybrid import HybridSpace
from search_engine.space.limited import LimitedSpace
from search_engine.space.offer import Offer
from search_engine.space.registry import SPACES, make_space
from search_engine.strategies import STRATEGIES
from search_engine.trial import TrialState
from tests.engine.strategies.toys import LonelySpace, TinySpace, ToySpace, play, trial

ALL = sorted(STRATEGIES)
HYBRID = HybridSpace(Trunk("efficientnet_lite0", 128))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("slots", [1, 4])
def test_the_same_seed_gives_the_same_search(name: str, slots: int) -> None:
    space = ToySpace()
    runs = [play(STRATEGIES[name](space, 5), space, 30, slots=slots) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != play(STRATEGIES[name](space, 6), space, 30, slots=slots)


@pytest.mark.parametrize("name", ALL)
def test_replay_gives_the_same_next_suggestion(name: str) -> None:
    space = ToySpace()
    lived = STRATEGIES[name](space, 3)
    history = play(lived, space, 25)
    expected = lived.suggest(3)
    at_once, twice, shuffled = (STRATEGIES[name](space, 3) for _ in range(3))
    at_once.update(history, [])
    for i in range(len(history)):
        twice.update(history[: i + 1], [])
    shuffled.update(history[::-1], [])
    assert at_once.suggest(3) == twice.suggest(3) == shuffled.suggest(3) == expected


@pytest.mark.parametrize("name", ALL)
def test_asking_does_not_change_the_answer(name: str) -> None:
    strategy = STRATEGIES[name](ToySpace(), 3)
    assert strategy.suggest(2) == strategy.suggest(2)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("slots", [1, 4])
def test_nothing_is_proposed_twice(name: str, slots: int) -> None:
    space = ToySpace()
    keys = [t.key for t in play(STRATEGIES[name](space, 1), space, 60, slots=slots)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", ALL)
def test_many_asked_at_once_are_all_different(name: str) -> None:
    space = ToySpace()
    strategy = STRATEGIES[name](space, 1)
    strategy.update(play(STRATEGIES[name](space, 1), space, 15), [])
    assert len({space.key(p.vector) for p in strategy.suggest(8)}) == 8


@pytest.mark.parametrize("name", ALL)
def test_a_used_up_space_is_repeated_and_not_refused(name: str) -> None:
    tiny = TinySpace()
    keys = [t.key for t in play(STRATEGIES[name](tiny, 0), tiny, 12)]
    assert len(set(keys[:4])) == 4
    assert len(play(STRATEGIES[name](LonelySpace(), 0), LonelySpace(), 10)) == 10


@pytest.mark.parametrize("name", ALL)
def test_failed_cancelled_and_waiting_trials_do_no_harm(name: str) -> None:
    space = ToySpace()
    strategy = STRATEGIES[name](space, 2)
    states = (TrialState.FAILED, TrialState.CANCELLED)
    for number in range(10):
        (proposal,) = strategy.suggest(1)
        strategy.update([trial(number, proposal, space.key(proposal.vector), states[number % 2])], [])
    waiting = strategy.suggest(1)[0]
    strategy.update([], [trial(10, waiting, space.key(waiting.vector), TrialState.QUEUED)])
    (after,) = strategy.suggest(1)
    assert space.key(after.vector) != space.key(waiting.vector)
    assert after.parent is None  # there is nothing to descend from


@pytest.mark.parametrize("name", ALL)
def test_a_parent_is_a_finished_trial_that_is_known(name: str) -> None:
    space = ToySpace()
    history = play(STRATEGIES[name](space, 4), space, 50, slots=3)
    finished = {t.number for t in history if t.state is TrialState.FINISHED}
    assert all(t.parent in finished and t.parent < t.number for t in history if t.parent is not None)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("space", SPACES)
def test_every_proposal_is_legal_and_new_in_the_real_spaces(name: str, space: str) -> None:
    real = make_space(
        space, Trunk("efficientnet_lite0", 96), 32, Offer(pooled=True, unfreeze=2, augmented=True)
    )
    history = play(STRATEGIES[name](real, 8, 24), real, 24, slots=2)
    for each in history:
        assert real.encode(real.decode(each.vector))  # which refuse what is no network of the space
        assert real.key(each.vector) == each.key
    assert len({each.key for each in history}) == 24


@pytest.mark.parametrize("name", ALL)
def test_a_repeat_that_was_answered_does_no_harm(name: str) -> None:
    """The same network under other numbers, once with its figures and once failed."""
    space = ToySpace()
    strategy = STRATEGIES[name](space, 2)
    history = play(STRATEGIES[name](space, 2), space, 20)
    again = [replace(each, number=each.number + 20, state=history[0].state) for each in history[:3]]
    failed = [
        replace(each, number=each.number + 40, reward=None, state=TrialState.FAILED) for each in history[3:6]
    ]
    strategy.update([*history, *again, *failed], [])
    proposals = strategy.suggest(4)
    assert not {space.key(p.vector) for p in proposals} & {each.key for each in history}


@pytest.mark.parametrize("name", ALL)
def test_nothing_over_the_limit_is_ever_proposed(name: str) -> None:
    limit = 3_440_000  # a linear head on the trunk has 3.38 million; most networks with cells have more
    space = LimitedSpace(HYBRID, classes=6, max_parameters=limit)
    history = play(STRATEGIES[name](space, 9), space, 30, slots=2)
    assert max(cost(space.decode(each.vector), 6).parameters for each in history) <= limit
    assert len({each.key for each in history}) == 30


@pytest.mark.parametrize("name", ALL)
def test_a_reward_above_one_is_a_reward_like_any_other(name: str) -> None:
    """MnasNet's product of accuracy and speed has no upper end."""
    space = ToySpace()
    strategies = [STRATEGIES[name](space, 5) for _ in range(2)]
    history = play(STRATEGIES[name](space, 5), space, 40)
    scaled = [replace(t, reward=None if t.reward is None else 3.0 * t.reward) for t in history]
    for strategy, trials in zip(strategies, (history, scaled), strict=True):
        strategy.update(trials, [])
    assert strategies[0].suggest(1) == strategies[1].suggest(1)  # only how rewards compare counts
