"""A controller learns by reinforcement which choices pay, after Zoph and Le 2016 (arXiv:1611.01578)."""

from __future__ import annotations

import bisect
import copy
import math
import random
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from search_engine.space.base import Space
from search_engine.strategies.base import ReplayedStrategy, reward_of
from search_engine.strategies.controller import Controller, Floats
from search_engine.strategies.sharpening import milestones
from search_engine.trial import Proposal, Trial, Vector

HIDDEN = 16
"""Width of the controller. ENAS has 64 or 100, and tens of thousands of rewards to train it on."""
RATE = 0.1
"""Learning rate of the output biases where ``RATE_BUDGET`` evaluations are affordable; it falls with the root
of more. ENAS's 0.0035 is no better than random search in 500 evaluations."""
RATE_BUDGET = 200
ENTROPY = (0.2, 0.1)
"""Weight of the entropy at the first evaluation and at the last; it falls geometrically. With the usual 0.05
to 0.005 the policy is sure of the wrong thing before half of a budget of 200 is spent."""
DRAWS = 8
"""Vectors drawn at a time."""
BATCHES = 8
"""Batches without anything new before the policy counts as used up."""
LEARN_FROM = 4
"""Rewards from which on the policy is asked for repeats to learn from."""
EARLY = 16
"""Rewards up to which each is followed by a second step, over all that are known. One reward at a time
teaches a new policy next to nothing (decision 5); for longer, or in place of the first step, and it is soon
sure of the wrong thing."""

_warm: OrderedDict[object, list[_Learner]] = OrderedDict()
"""Learners of this process, those that know least first. Only a short cut: whoever finds none replays all
trials."""
WARM = 4
STEPS_BACK = 8
"""Learners of one search that are kept, besides those at its milestones, from which its page is made. Where
several slots train, a trial may end before an older one, which then goes before it; teaching 100 trials again
would keep all slots waiting for half a second."""


class _Learner:
    """The controller, and the rewards that taught it; a function of the seed and those trials alone.

    Attributes:
        facts: what it was taught, in order.
    """

    def __init__(self, space: Space, seed: int, budget: int) -> None:
        self.space = space
        self.seed = seed
        self.budget = budget
        self.facts: list[tuple[int, str, float]] = []
        self._sizes = [len(decision.choices) for decision in space.decisions]
        self._controller = Controller(self._sizes, HIDDEN, np.random.default_rng([abs(seed), 1]))
        self._rewards: list[float] = []
        self._drawn: list[Vector] = []
        self._memory: dict[str, tuple[Vector, float]] = {}

    def copy(self) -> _Learner:
        """Another that was taught the same."""
        twin = copy.copy(self)
        twin.facts, twin._rewards, twin._memory = list(self.facts), list(self._rewards), dict(self._memory)
        twin._controller = self._controller.copy()
        return twin

    def first_draw(self) -> list[Vector]:
        """Vectors from the policy as it is."""
        self._drawn = self._drawn or self.draw(2, len(self.facts))
        return self._drawn

    def draw(self, stream: int, number: int) -> list[Vector]:
        """Vectors from the policy; the same for the same numbers."""
        rng = np.random.default_rng([abs(self.seed), stream, number])
        drawn = self._controller.sample(rng.random((DRAWS, len(self._sizes))))
        return [tuple(vector) for vector in drawn.tolist()]

    def learn(self, trial: Trial) -> None:
        """One step up the gradient: the new reward, and whatever the policy repeats, answered from memory.

        The first rewards are learned twice, the second time together with all before.
        """
        reward = reward_of(trial)
        bisect.insort(self._rewards, reward)
        self._memory[trial.key] = trial.vector, reward
        batch = [(trial.vector, reward)]
        if len(self.facts) >= LEARN_FROM:
            keys = map(self.space.key, filter(self.space.is_legal, self.first_draw()))
            batch += [self._memory[key] for key in keys if key in self._memory]
        self._climb(batch)
        if len(self.facts) < EARLY:
            self._climb(list(self._memory.values()))
        self.facts.append(_fact(trial))
        self._drawn = []

    def _climb(self, batch: Sequence[tuple[Vector, float]]) -> None:
        """A step up the gradient of the vectors' rewards and of the entropy."""
        first, last = ENTROPY
        spent = min(1.0, len(self.facts) / self.budget)
        self._controller.update(
            np.array([vector for vector, _ in batch]),
            np.array([self._advantage(reward) for _, reward in batch]) / len(batch),
            entropy=first * (last / first) ** spent,
            rate=RATE * min(1.0, math.sqrt(RATE_BUDGET / self.budget)),
        )

    def probabilities(self, vector: Vector) -> Floats:
        """D x K: of each choice, where the decisions before it are those of the vector."""
        return np.asarray(self._controller.probabilities(np.array([vector]))[0])

    def log_chances(self, vectors: Sequence[Vector]) -> Floats:
        """Of each vector: the logarithm of its probability."""
        taken = np.array(vectors)
        chances = np.take_along_axis(self._controller.probabilities(taken), taken[:, :, None], axis=2)
        return np.asarray(np.log(np.maximum(chances[:, :, 0], 1e-12)).sum(axis=1))

    def _advantage(self, reward: float) -> float:
        """How much better than the median of all rewards so far, by rank, with variance 1.

        The baseline moves with the search, and a network that did not train at all (reward 0.1 among 0.9)
        counts as the worst and not as an earthquake.
        """
        below = bisect.bisect_left(self._rewards, reward)
        rank = (below + bisect.bisect_right(self._rewards, reward)) / (2 * len(self._rewards))
        return (rank - 0.5) * math.sqrt(12)


class Reinforce(ReplayedStrategy):
    """Draws from a policy that is moved towards the choices which earned more than the usual.

    A draw that was tried already is answered from memory: the policy learns from it again, for nothing, and
    the next is drawn.
    """

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        super().__init__(space, seed, budget)
        self._name = (type(space), space.decisions, seed, self.budget)

    def probabilities(self, vector: Vector) -> list[list[float]]:
        """Of each choice of each decision, where the decisions before it are those of the vector."""
        chances = self._learner().probabilities(vector)
        return [row[: len(d.choices)].tolist() for d, row in zip(self.space.decisions, chances, strict=True)]

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        start = self._new_start(seen)
        if start is not None:
            return Proposal(start)
        learner = self._learner()
        for batch in range(BATCHES):
            drawn = learner.draw(3 + batch, position) if batch else learner.first_draw()
            legal = [vector for vector in drawn if self.space.is_legal(vector)]
            for vector in legal:
                if self.space.key(vector) not in seen:
                    return Proposal(vector)
            if not legal:  # a space as sparse as that is not found by drawing
                break
        return Proposal(self._likely(learner, rng, seen))

    def _likely(self, learner: _Learner, rng: random.Random, seen: set[str]) -> Vector:
        """From the policy, held to a sample of the space: for when all that it draws is known or illegal."""
        sample = list(dict.fromkeys(self.space.sample(rng) for _ in range(self.TRIES)))
        new = [vector for vector in sample if self.space.key(vector) not in seen]
        if not new:
            return sample[0]
        chances = learner.log_chances(new)
        gumbel = [-math.log(-math.log(rng.random() or 0.5)) for _ in new]  # adding it to log p draws from p
        return new[int(np.argmax(chances + np.array(gumbel)))]

    def _learner(self) -> _Learner:
        """Taught all trials that have a reward, in the order of their numbers."""
        kept = [known for known in _warm.pop(self._name, ()) if _agree(self.finished, known.facts)]
        least = [known for known in kept if len(known.facts) <= len(self.finished)]
        learner = least[-1] if least else _Learner(self.space, self.seed, self.budget)
        later = kept[len(least) :]
        marks = milestones(max([len(self.finished), *(len(known.facts) for known in later)]))
        new = self.finished[len(learner.facts) :]
        for left in range(len(new), 0, -1):
            if least and learner is least[-1]:
                learner = learner.copy()
            learner.learn(new[-left])
            if left <= STEPS_BACK or len(learner.facts) in marks:
                least.append(learner)
        kept = [*least, *later]
        _warm[self._name] = [k for k in kept[:-STEPS_BACK] if len(k.facts) in marks] + kept[-STEPS_BACK:]
        while len(_warm) > WARM:
            _warm.popitem(last=False)
        return learner


def _fact(trial: Trial) -> tuple[int, str, float]:
    return trial.number, trial.key, reward_of(trial)


def _agree(trials: Sequence[Trial], facts: Sequence[tuple[int, str, float]]) -> bool:
    """Whether the facts are those of the first trials, or the trials those of the first facts."""
    return all(map(lambda t, f: _fact(t) == f, trials, facts))
