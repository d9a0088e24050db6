"""The charts of a search as data, with titles that say what there is to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from webapp.searches.models import Search, Trial
from webapp.searches.narration import trial_name
from webapp.searches.views.ranking import arms, best_of, finished

DOTS = (Trial.Kind.NETWORK, Trial.Kind.LINEAR_PROBE, Trial.Kind.FINE_TUNE, Trial.Kind.ENSEMBLE)
"""What has an accuracy and takes time."""


def chart_data(search: Search, trials: list[Trial]) -> dict[str, Any]:
    start = search.started_at or search.created_at
    ours, random = arms(trials)
    done = finished(trials)
    probe = next((t.accuracy for t in done if t.kind == Trial.Kind.LINEAR_PROBE), None)
    dots = [
        {"x": t.latency_ms, "y": (t.accuracy or 0) * 100, "name": trial_name(t), "origin": t.origin}
        for t in done
        if t.latency_ms is not None and t.kind in DOTS
    ]
    return {
        "right": search.right_of_100,
        "best": {
            "title": best_title(best_of([*ours, *random]), probe, search.counted),
            "text": fair_sentence(ours, random, "labels right" if search.is_multi else "right"),
            "ours": arm(ours, start),
            "random": arm(random, start),
            "fair": fair_point(ours, random),
            "probe": None if probe is None else probe * 100,
        },
        "scatter": {
            "title": scatter_title(dots),
            "dots": dots,
            "limit": search.max_latency_ms,
        },
    }


def arm(networks: list[Trial], start: datetime) -> dict[str, Any]:
    """Best so far of one arm: by how many networks it had, and by minutes; a point whenever it rises."""

    def minutes(trial: Trial) -> float:
        seconds = (ended(trial) - start).total_seconds() if trial.clock is None else trial.clock
        return round(max(0.0, seconds / 60), 3)

    places = {trial.number: place for place, trial in enumerate(networks, start=1)}
    return {
        "networks": climb(networks, lambda trial: places[trial.number]),
        "minutes": climb(sorted(networks, key=ended), minutes),
        "count": len(networks),
    }


def ended(trial: Trial) -> datetime:
    return trial.finished_at or trial.created_at


def climb(networks: list[Trial], x_of: Callable[[Trial], float]) -> list[dict[str, float]]:
    """One point whenever the best so far rises."""
    points: list[dict[str, float]] = []
    for trial in networks:
        accuracy = (trial.accuracy or 0.0) * 100
        if not points or accuracy > points[-1]["y"]:
            points.append({"x": x_of(trial), "y": accuracy})
    return points


def fair_point(ours: list[Trial], random: list[Trial]) -> dict[str, float] | None:
    """Where both arms had as many networks as the smaller has: how many, and the best of either."""
    count = min(len(ours), len(random))
    if not count:
        return None
    best = [max((trial.accuracy or 0.0) * 100 for trial in each[:count]) for each in (ours, random)]
    return {"count": count, "ours": best[0], "random": best[1]}


def fair_sentence(ours: list[Trial], random: list[Trial], right: str = "right") -> str:
    """The arms compared at equal numbers of networks, since more tries find more by luck alone."""
    point = fair_point(ours, random)
    if point is None:
        missing = "from the search" if random else "at random"
        return f"The best accuracy so far. No network {missing} has been tried yet, so nothing is compared."
    first, second = f"{point['ours']:.1f}", f"{point['random']:.1f}"
    if point["count"] == 1:
        sentence = f"The search's first network: {first} of 100 {right}; the one drawn at random: {second}."
    else:
        sentence = (
            f"The best of the search's first {point['count']:.0f} networks: {first} of 100 {right}; "
            f"the best of {point['count']:.0f} drawn at random: {second}."
        )
    return f"{sentence} So few say little." if point["count"] < FEW else sentence


FEW = 5
"""Networks an arm, below which the comparison is hardly worth reading."""


def best_title(best: Trial | None, probe: float | None, counted: str = "pictures") -> str:
    if best is None or best.accuracy is None:
        return "No network has been tried yet"
    if probe is None:
        return f"{trial_name(best)} leads with {best.accuracy:.1%}"
    gain = (best.accuracy - probe) * 100
    if gain <= 0:
        return "No network has beaten plain transfer learning yet"
    return f"{trial_name(best)} beats plain transfer learning by {gain:.1f} of 100 {counted}"


def scatter_title(dots: list[dict[str, Any]]) -> str:
    if not dots:
        return "No network has been timed yet"
    top = max(dots, key=lambda dot: (dot["y"], -dot["x"]))
    return f"The most accurate so far takes {top['x']:.0f} ms a picture"
