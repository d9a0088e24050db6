"""A small space with a known best, and a loop that plays a strategy on it."""

from __future__ import annotations

from collections.abc import Callable

from search_engine.space.base import Decision, Space, VectorSpace
from search_engine.strategies.base import Strategy
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState, Vector

TARGET = (3, 1, 4, 1, 5, 2, 0, 3)


class ToySpace(VectorSpace):
    """Eight decisions of six choices; the last decision of a vector never matters."""

    decisions = tuple(Decision(f"d{i}", tuple(range(6))) for i in range(9))

    def key(self, vector: Vector) -> str:
        self.check(vector)
        return ",".join(map(str, vector[:-1]))


class TinySpace(ToySpace):
    """Four candidates in all."""

    decisions = (Decision("a", (0, 1)), Decision("b", (0, 1)), Decision("irrelevant", (0, 1, 2)))


class LonelySpace(ToySpace):
    """One candidate in all."""

    decisions = (Decision("a", (0,)), Decision("irrelevant", (0, 1, 2)))


def reward(vector: Vector) -> float:
    """The share of decisions that are right, with partial credit for near ones; 1 at the target."""
    misses = [abs(a - b) for a, b in zip(vector, TARGET, strict=False)]
    return 1 - sum(misses) / (5 * len(TARGET))


def trial(number: int, proposal: Proposal, key: str, state: TrialState = TrialState.FINISHED) -> Trial:
    is_finished = state is TrialState.FINISHED
    return Trial(
        number=number,
        kind=Kind.NETWORK,
        origin=Origin.STRATEGY,
        state=state,
        vector=proposal.vector,
        key=key,
        parent=proposal.parent,
        reward=reward(proposal.vector) if is_finished else None,
        seconds=1.0 if is_finished else None,
    )


def play(strategy: Strategy, space: Space, evaluations: int, *, slots: int = 1) -> list[Trial]:
    """Ask and tell with ``slots`` trials under way; every seventh trial fails."""
    done: list[Trial] = []
    active: list[Trial] = []
    while len(done) < evaluations:
        while len(active) < slots:
            (proposal,) = strategy.suggest(1)
            number = len(done) + len(active)
            active.append(trial(number, proposal, space.key(proposal.vector), TrialState.RUNNING))
            strategy.update([], active)
        oldest = active.pop(0)
        state = TrialState.FAILED if oldest.number % 7 == 6 else TrialState.FINISHED
        done.append(trial(oldest.number, Proposal(oldest.vector, oldest.parent), oldest.key, state))
        strategy.update(done[-1:], active)
    return done


def mean_best(make: Callable[[int], Strategy], space: VectorSpace, evaluations: int, seeds: int) -> float:
    """Mean over seeds of the best reward found."""
    best = [max(t.reward or 0.0 for t in play(make(seed), space, evaluations)) for seed in range(seeds)]
    return sum(best) / len(best)
