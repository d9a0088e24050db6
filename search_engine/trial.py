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
    """Who proposed a trial; ``FINISH`` is what a search does with its best once the searching is over."""

    CONTROL = "control"
    STRATEGY = "strategy"
    RANDOM = "random"
    FINISH = "finish"


class Kind(StrEnum):
    """What a trial makes.

    A network from the space, one of the controls it must beat, or a supernet. At the end an ensemble of the
    trained ones, and refits: what wins, trained once more on the validation pictures, too.
    """

    MAJORITY = "majority"
    LINEAR_PROBE = "linear_probe"
    FINE_TUNE = "fine_tune"
    SUPERNET = "supernet"
    NETWORK = "network"
    ENSEMBLE = "ensemble"
    REFIT = "refit"


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
        parent: number of the trial it was mutated from, if any; of a refit, the one fitted again.
        reward: validation accuracy in 0..1 (or a product with latency); None until finished.
        seconds: wall-clock seconds of training; None until finished.
        rung: its fidelity, 0 the cheapest; see ``search_engine.fidelity``.
        epochs: passes over the training pictures; None until finished.
        fits: whether it is within the limits of the search, so that it may win.
        killed: whether its training was ended early because it would hardly have won.
        drawn: of how many proposals it was picked by its size and synflow; 1 if it was not.
        found: by a supernet: vectors and the accuracies that they reach with shared weights, best first.
        members: of an ensemble: numbers of trials and their weights, the largest first; one alone if none
            together are better.
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
    rung: int = 0
    epochs: int | None = None
    fits: bool = True
    killed: bool = False
    drawn: int = 1
    found: tuple[tuple[Vector, float], ...] = ()
    members: tuple[tuple[int, float], ...] = ()


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
    """The finished trial within the limits that has the highest reward; the earliest wins a tie."""
    finished = [t for t in trials if t.state is TrialState.FINISHED and t.reward is not None and t.fits]
    return min(finished, key=lambda t: (-(t.reward or 0.0), t.number), default=None)
