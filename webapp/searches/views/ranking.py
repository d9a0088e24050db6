"""Which trials count, and which of them is the best."""

from __future__ import annotations

from webapp.searches.models import Trial


def finished(trials: list[Trial]) -> list[Trial]:
    return [t for t in trials if t.state == Trial.State.FINISHED and t.accuracy is not None]


def best_of(trials: list[Trial]) -> Trial | None:
    """The most accurate within the search's limits; the earliest wins a tie, as in the engine."""
    inside = [trial for trial in finished(trials) if not outside(trial)]
    return min(inside, key=lambda t: (-(t.accuracy or 0.0), t.number), default=None)


def outside(trial: Trial) -> str:
    """ "too slow" or "too large" if the trial is beyond a limit of its search; else empty."""
    slowest: float | None = getattr(trial.search, "max_latency_ms", None)
    largest: int | None = getattr(trial.search, "max_parameters", None)
    if slowest is not None and trial.latency_ms is not None and trial.latency_ms > slowest:
        return "too slow"
    if largest is not None and trial.parameters is not None and trial.parameters > largest:
        return "too large"
    return ""


def arms(trials: list[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The networks within the limits that the search proposed, and those that were drawn at random."""
    networks = [t for t in finished(trials) if t.kind == Trial.Kind.NETWORK and not outside(t)]
    networks.sort(key=lambda trial: trial.number)
    random = [trial for trial in networks if trial.origin == Trial.Origin.RANDOM]
    return [trial for trial in networks if trial.origin != Trial.Origin.RANDOM], random
