"""What the pages of a search show: its trials as rows, its figures in words, its charts as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from webapp.searches import services
from webapp.searches.models import Search, Trial
from webapp.searches.narration import trial_name

LOG_LINES = 200
NEWEST = 50  # rows that the live table shows; it is sent every two seconds at worst


@dataclass(frozen=True, slots=True)
class Row:
    """A trial as the tables show it."""

    trial: Trial
    name: str
    is_best: bool


def finished(trials: list[Trial]) -> list[Trial]:
    return [t for t in trials if t.state == Trial.State.FINISHED and t.accuracy is not None]


def best_of(trials: list[Trial]) -> Trial | None:
    """The most accurate; the earliest wins a tie, as in the engine."""
    return min(finished(trials), key=lambda t: (-(t.accuracy or 0.0), t.number), default=None)


def trials_of(search: Search) -> list[Trial]:
    """All trials, each with ``passes``: how many epochs of it are done."""
    return list(search.trials.annotate(passes=Count("epoch_rows")))


def board(search: Search) -> dict[str, Any]:
    """The context of the live part and of the leaderboard."""
    trials = trials_of(search)
    best = best_of(trials)
    rows = [Row(trial, trial_name(trial), trial == best) for trial in trials]
    return {
        "search": search,
        "dataset": search.version.dataset,
        "model": getattr(search, "model", None),
        "best": best,
        "best_name": trial_name(best) if best else "",
        "rows": rows,
        "newest": rows[: -NEWEST - 1 : -1],
        "earlier": max(0, len(rows) - NEWEST),
        "ranked": sorted(rows, key=lambda row: (-(row.trial.accuracy or -1.0), row.trial.number)),
        "tried": len(finished(trials)),
        "worth": worth(trials),
        "chart_data": chart_data(search, trials),
        "seconds_left": services.seconds_left(search),
        "ends_at": ends_at(search),
        "log": services.latest_log(search, LOG_LINES),
        "phases": phases(search),
    }


def facts(context: dict[str, Any]) -> list[object]:
    """Everything in ``board`` that can change what the live part shows; the time left counts by itself."""
    search, model = context["search"], context["model"]
    rows = [
        [t.number, t.state, t.accuracy, t.passes, t.latency_ms]
        for t in (row.trial for row in context["rows"])
    ]
    log = context["log"]
    return [
        [search.state, search.phase, search.progress, search.stop_requested, ends_at(search)],
        model.revision if model else 0,
        rows,
        log[-1].pk if log else 0,
    ]


def phases(search: Search) -> list[tuple[str, str]]:
    """The phases in words, each with ``past``, ``now`` or nothing."""
    order = [
        Search.Phase.WAITING,
        Search.Phase.MEASURE,
        Search.Phase.PREPARE,
        Search.Phase.SEARCH,
        Search.Phase.FINISH,
    ]
    now = order.index(Search.Phase(search.phase)) if search.phase in order else len(order)
    return [
        (str(phase.label), "past" if index < now else "now" if index == now else "")
        for index, phase in enumerate(order)
        if phase != Search.Phase.WAITING
    ]


def ends_at(search: Search) -> int | None:
    """When the budget is spent, in JavaScript's milliseconds; None while the clock does not run."""
    if search.started_at is None or search.is_over or search.is_paused:
        return None
    seconds = search.paused_seconds + search.budget_minutes * 60
    return round((search.started_at.timestamp() + seconds) * 1000)


def worth(trials: list[Trial]) -> dict[str, float | None]:
    """Best accuracy of each arm: what the search was worth is the difference."""

    def best(keep: Any) -> float | None:
        return max((t.accuracy or 0.0 for t in finished(trials) if keep(t)), default=None)

    networks = Trial.Kind.NETWORK
    return {
        "search": best(lambda t: t.kind == networks and t.origin != Trial.Origin.RANDOM),
        "random": best(lambda t: t.kind == networks and t.origin == Trial.Origin.RANDOM),
        "probe": best(lambda t: t.kind == Trial.Kind.LINEAR_PROBE),
        "majority": best(lambda t: t.kind == Trial.Kind.MAJORITY),
    }


def chart_data(search: Search, trials: list[Trial]) -> dict[str, Any]:
    done = sorted(finished(trials), key=lambda t: t.finished_at or t.created_at)
    start = search.started_at or search.created_at
    networks = [t for t in done if t.kind == Trial.Kind.NETWORK]
    probe = next((t.accuracy for t in done if t.kind == Trial.Kind.LINEAR_PROBE), None)
    dots = [
        {"x": t.latency_ms, "y": (t.accuracy or 0) * 100, "name": trial_name(t), "origin": t.origin}
        for t in done
        if t.latency_ms is not None and t.kind != Trial.Kind.MAJORITY
    ]
    best = best_of(networks)
    return {
        "best": {
            "title": best_title(best, probe),
            "ours": climb([t for t in networks if t.origin != Trial.Origin.RANDOM], start),
            "random": climb([t for t in networks if t.origin == Trial.Origin.RANDOM], start),
            "probe": None if probe is None else probe * 100,
        },
        "scatter": {"title": scatter_title(dots), "dots": dots},
    }


def climb(trials: list[Trial], start: datetime) -> list[dict[str, float]]:
    """Best so far over minutes: one point whenever it rises."""
    points: list[dict[str, float]] = []
    for trial in trials:
        accuracy = (trial.accuracy or 0.0) * 100
        if not points or accuracy > points[-1]["y"]:
            seconds = ((trial.finished_at or trial.created_at) - start).total_seconds()
            minutes = (seconds if trial.clock is None else trial.clock) / 60
            points.append({"x": round(max(0.0, minutes), 3), "y": accuracy})
    return points


def best_title(best: Trial | None, probe: float | None) -> str:
    if best is None or best.accuracy is None:
        return "No network has been tried yet"
    if probe is None:
        return f"{trial_name(best)} leads with {best.accuracy:.1%}"
    gain = (best.accuracy - probe) * 100
    if gain <= 0:
        return "No network has beaten plain transfer learning yet"
    return f"{trial_name(best)} beats plain transfer learning by {gain:.1f} of 100 pictures"


def scatter_title(dots: list[dict[str, Any]]) -> str:
    if not dots:
        return "No network has been timed yet"
    top = max(dots, key=lambda dot: (dot["y"], -dot["x"]))
    return f"The most accurate so far takes {top['x']:.0f} ms a picture"
