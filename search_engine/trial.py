"""What a strategy sees of the past: frozen trials, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Vector = tuple[int, ...]
"""One index a decision, in the order of the space's decisions."""


class TrialState(StrEnum):
    """The life of a trial: QUEUED -> RUNNING -> FINISHED | FAILED | CANCELLED.

    A trial whose process died goes back from RUNNING to QUEUED, at most once.
    """

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Origin(StrEnum):
    """Who proposed a trial."""

    CONTROL = "control"
    STRATEGY = "strategy"
    RANDOM = "random"


class Kind(StrEnum):
    """What is trained: a network from the space, or one of the controls it must beat."""

    MAJORITY = "majority"
    LINEAR_PROBE = "linear_probe"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate, as strategies and the planner see it.

    Attributes:
        number: position in the search, from 0, without gaps.
        kind: network or control.
        origin: who proposed it.
        state: where it is in its life.
        vector: its decisions; empty for controls.
        key: canonical hash of the genome; isomorphic genomes share it.
        parent: number of the trial it was mutated from, if any.
        reward: validation accuracy in 0..1 (or a product with latency); None until finished.
        seconds: wall-clock seconds of training; None until finished.
    """

    number: int
    kind: Kind
    origin: Origin
    state: TrialState
    vector: Vector = ()
    key: str = ""
    parent: int | None = None
    reward: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy wants tried next.

    Attributes:
        vector: one index a decision.
        parent: number of the trial it was mutated from, if any.
    """

    vector: Vector
    parent: int | None = None


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The finished trial with the highest reward; the earliest wins a tie."""
    finished = [t for t in trials if t.state is TrialState.FINISHED and t.reward is not None]
    return min(finished, key=lambda t: (-(t.reward or 0.0), t.number), default=None)
