"""How sure the controller of a search is: its probabilities, decision by decision, as they sharpen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from search_engine.space.words import in_words
from search_engine.strategies.sharpening import Moment
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches.models import Search
from webapp.searches.replay import search_space, strategy_name
from webapp.searches.sureness import has_controller, sureness

COLUMN, GAP, HEIGHT = 22, 4, 44
"""Of the small bars, in units of their SVG: one column a moment."""

SURER = 0.85
"""Of the choices that each decision hung between at first; above, nobody would call it surer."""


@dataclass(frozen=True, slots=True)
class Row:
    """A decision as the page shows it.

    Attributes:
        group, name: in words.
        choice: the likeliest now.
        first, now: its probability at the first moment and at the last, 0..1.
        chances: each choice in words, with its probability at each moment.
        ours, even, odd: paths of the bars: the likeliest choice at the foot, the others above it.
        width: of the bars.
    """

    group: str
    name: str
    choice: str
    first: float
    now: float
    chances: list[tuple[str, list[float]]]
    ours: str
    even: str
    odd: str
    width: int


@require_safe
def controller(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    if not has_controller(search):
        raise Http404("This search has no controller, so there is nothing to show.")
    known = sureness(search, may_take_long=bool(request.htmx))
    if known is None:  # the page asks again, for the part that takes long
        return render(request, "searches/controller.html", {"search": search})
    best, moments = known
    rows = rows_of(search, moments)
    context = {
        "search": search,
        "best": best,
        "moments": moments,
        "learned": moments[-1].trials,
        "sentence": sentence(moments),
        "shares_weights": strategy_name(search) == "enas",
        "surest": sorted(rows, key=lambda row: -row.now)[:3],
        "groups": [(name, list(group)) for name, group in groupby(rows, key=lambda row: row.group)],
        "height": HEIGHT,
    }
    template = "searches/_controller.html" if request.htmx else "searches/controller.html"
    return render(request, template, context)


def rows_of(search: Search, moments: tuple[Moment, ...]) -> list[Row]:
    rows = []
    for place, decision in enumerate(search_space(search).decisions):
        words = in_words(decision)
        by_moment = [moment.probabilities[place] for moment in moments]
        top = max(range(len(words.choices)), key=lambda choice: by_moment[-1][choice])
        ours, even, odd = bars(by_moment, top)
        rows.append(
            Row(
                group=words.group,
                name=words.name,
                choice=words.choices[top],
                first=by_moment[0][top],
                now=by_moment[-1][top],
                chances=[(text, [row[i] for row in by_moment]) for i, text in enumerate(words.choices)],
                ours=ours,
                even=even,
                odd=odd,
                width=len(moments) * (COLUMN + GAP) - GAP,
            )
        )
    return rows


def bars(by_moment: list[tuple[float, ...]], top: int) -> tuple[str, str, str]:
    """SVG paths: a column a moment, filled from the foot by the likeliest choice and then by the others."""
    paths = ["", "", ""]
    for place, row in enumerate(by_moment):
        x, foot = place * (COLUMN + GAP), float(HEIGHT)
        others = [choice for choice in range(len(row)) if choice != top]
        for order, choice in enumerate([top, *others]):
            height = row[choice] * HEIGHT
            kind = 0 if choice == top else 1 + order % 2
            paths[kind] += f"M{x} {foot:.1f}h{COLUMN}v{-height:.1f}h-{COLUMN}z"
            foot -= height
    return paths[0], paths[1], paths[2]


def sentence(moments: tuple[Moment, ...]) -> str:
    """How the mean entropy fell, in words."""
    first, last = moments[0], moments[-1]
    if len(moments) == 1:
        return (
            f"It has learned from no network yet: at each decision it hangs between {first.torn_between:.1f} "
            f"equally likely choices on average (mean entropy {first.entropy:.2f} nats)."
        )
    moved = "grew sure of little"
    if last.torn_between < SURER * first.torn_between:
        moved = "grew surer"
    return (
        f"It {moved}: at first each decision hung between {first.torn_between:.1f} equally likely choices on "
        f"average, after {last.trials} networks between {last.torn_between:.1f} (mean entropy "
        f"{first.entropy:.2f}, then {last.entropy:.2f} nats)."
    )
