"""What shared weights liked is trained alone, as long as that bears it out; then the controller goes on."""

from __future__ import annotations

import random
from collections.abc import Sequence

from search_engine.evaluate.metrics import kendall_tau
from search_engine.space.base import Space
from search_engine.space.limited import LimitedSpace
from search_engine.strategies.base import reward_of
from search_engine.strategies.reinforce import Reinforce
from search_engine.trial import Kind, Proposal, Trial, TrialState, Vector

ALONE = 3
"""Best of the supernet that are trained alone whatever comes. The fewest, too, that a rank correlation is
taken of: of two it is 1 or -1 by a coin's throw."""
TRUSTED_TAU = 0.3
"""Kendall's tau of the accuracies by shared weights and alone from which on the supernet is believed."""


class Enas(Reinforce):
    """ENAS (Pham et al. 2018, arXiv:1802.03268) with a stand-alone check of what the supernet says.

    A network that was given to begin with comes first. Then come the best of the newest finished supernet
    among the trials. Once ``ALONE`` of them have a reward of their own, the rest of its list is proposed,
    best first, only while Kendall's tau between its scores and the rewards is ``TRUSTED_TAU`` or more; it is
    taken anew after each reward. After that, and while too few of them have a reward to say, the REINFORCE
    controller goes on by itself. It is taught every stand-alone reward, and no score by shared weights: those
    are on another scale.

    Where no trial is a supernet, as on a table of results, this is the controller alone: ``reinforce``.
    """

    def __init__(self, space: Space, seed: int, budget: int | None = None) -> None:
        super().__init__(space, seed, budget)
        self._supernets: dict[int, Trial] = {}

    def update(self, completed: Sequence[Trial], active: Sequence[Trial]) -> None:
        """See ``Strategy.update``; supernets are remembered."""
        for trial in completed:
            if trial.kind is Kind.SUPERNET and trial.state is TrialState.FINISHED:
                self._supernets[trial.number] = trial
        super().update(completed, active)

    def agreement(self) -> float | None:
        """Kendall's tau of the supernet's scores and the rewards alone; None before ``ALONE`` have one."""
        pairs = [
            (score, reward_of(trial))
            for vector, score in self._found()
            if (trial := self.memory.get(self.space.key(vector))) and _has_reward(trial)
        ]
        return kendall_tau(*zip(*pairs, strict=True)) if len(pairs) >= ALONE else None

    def _propose(self, position: int, rng: random.Random, seen: set[str]) -> Proposal:
        vector = self._given(seen) or self._from_supernet(seen)
        return super()._propose(position, rng, seen) if vector is None else Proposal(vector)

    def _given(self, seen: set[str]) -> Vector | None:
        """The network that the search was told to begin with, until it is tried."""
        if not isinstance(self.space, LimitedSpace) or self.space.first not in self.space.starts:
            return None
        return None if self.space.key(self.space.first) in seen else self.space.first

    def _from_supernet(self, seen: set[str]) -> Vector | None:
        """The next of the supernet's list, if one is owed or the list has proved its worth."""
        keys = {self.space.key(vector): vector for vector, _ in self._found()}
        failed = {key for key in keys if key in self.memory and not _has_reward(self.memory[key])}
        owed = len((keys.keys() & seen) - failed) < ALONE
        tau = self.agreement()
        if not owed and (tau is None or tau < TRUSTED_TAU):
            return None
        return next((vector for key, vector in keys.items() if key not in seen), None)

    def _found(self) -> list[tuple[Vector, float]]:
        """The newest supernet's list, as far as it is of this space."""
        if not self._supernets:
            return []
        newest = self._supernets[max(self._supernets)]
        return [(vector, score) for vector, score in newest.found if self.space.is_legal(vector)]


def _has_reward(trial: Trial) -> bool:
    """Whether it was trained to the end; the reward of one that was ended early is of another length."""
    return trial.state is TrialState.FINISHED and trial.reward is not None and not trial.killed
