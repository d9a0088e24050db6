"""What the pages of a search show: its trials as rows, the best of them, how far the search is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from webapp.searches import services
from webapp.searches.models import Search, Trial
from webapp.searches.narration import trial_name
from webapp.searches.replay import elapsed, top_rung
from webapp.searches.sureness import has_controller
from webapp.searches.views.charts import chart_data
from webapp.searches.views.doing import doing
from webapp.searches.views.ranking import best_of, finished, marks, worth_of

LOG_LINES = 200
LIVE_LOG_LINES = 20  # sent every two seconds at worst
NEWEST = 20  # rows that the live table shows; it is sent every two seconds at worst


@dataclass(frozen=True, slots=True)
class Row:
    """A trial as the tables show it.

    Attributes:
        trial, name: which.
        is_best: of all.
        top: as ``top_rung``.
        passes: epochs that are done, while it is being trained.
    """

    trial: Trial
    name: str
    is_best: bool
    top: int
    passes: int

    @property
    def marks(self) -> list[str]:
        return marks(self.trial, self.top)


def trials_of(search: Search) -> list[Trial]:
    """All trials; what is long, and what no list shows, is left behind."""
    return list(search.trials.defer("right", "genome", "seed", "attempts", "loss", "macs", "started_at"))


def passes_of(search: Search) -> dict[int, int]:
    """How many epochs are done of each trial that is being trained, by its number."""
    running = search.trials.filter(state=Trial.State.RUNNING).order_by("number")
    return dict(running.values_list("number").annotate(Count("epoch_rows")))


def board(search: Search, trials: list[Trial]) -> dict[str, Any]:
    """The context of the live part and of the leaderboard; ``trials`` as ``trials_of``."""
    best = best_of(trials)
    top, passes = top_rung(search), passes_of(search)
    rows = [
        Row(trial, trial_name(trial), trial == best, top, passes.get(trial.number, 0)) for trial in trials
    ]
    return {
        "search": search,
        "dataset": search.version.dataset,
        "model": getattr(search, "model", None),
        "best": best,
        "best_name": trial_name(best) if best else "",
        "rows": rows,
        "newest": rows[: -NEWEST - 1 : -1],
        "earlier": max(0, len(rows) - NEWEST),
        "tried": sum(trial.origin != Trial.Origin.FINISH for trial in finished(trials)),
        "doing": doing(search, trials),
        "has_controller": has_controller(search),
        "chart_data": chart_data(search, trials),
        "seconds_left": services.seconds_left(search),
        "ends_at": ends_at(search),
        "took": elapsed(search) / 60,
        "log": services.latest_log(search, LOG_LINES if search.is_over else LIVE_LOG_LINES),
        "phases": phases(search),
    }


def ranked(rows: list[Row]) -> list[Row]:
    """As the leaderboard has them: the best first; of what the finish made, what has a result."""
    shown = [row for row in rows if row.trial.origin != Trial.Origin.FINISH or row.trial.accuracy is not None]
    return sorted(shown, key=lambda row: (not row.is_best, -worth_of(row.trial), row.trial.number))


def facts(search: Search) -> list[object]:
    """Everything in ``board`` that can change what the live part shows; the time left counts by itself.

    Far quicker to come by than ``board``: most of what a page asks is whether there is any news.
    """
    model = getattr(search, "model", None)
    newest = search.log_lines.order_by("-id").values_list("pk", flat=True).first()
    return [
        [search.state, search.phase, search.progress, search.stop_requested, ends_at(search)],
        model.revision if model else 0,
        list(search.trials.values_list("number", "state", "accuracy", "latency_ms")),
        sorted(passes_of(search).items()),
        newest or 0,
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
