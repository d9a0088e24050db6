"""A search: alive while it runs, a leaderboard when it is over."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.core.views.live import digest, reload_page, render_live
from webapp.searches.choices import chosen_words
from webapp.searches.models import Search, Trial
from webapp.searches.narration import MAJORITY_OF_SEVERAL, NAMES, in_sentence
from webapp.searches.views.board import board, facts, ranked, trials_of
from webapp.searches.views.family import family
from webapp.searches.views.worth import answers, arm_figures


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    tag = digest(facts(search))  # before the rest: what changes meanwhile is news to the page
    trials = trials_of(search)
    context = {**board(search, trials), "controls": controls(search), "chosen": chosen_words(search)}
    if search.is_over:
        return render(request, "searches/leaderboard.html", {**context, **told(search, context)})
    return render(request, "searches/running.html", {**context, "digest": tag})


def told(search: Search, context: dict[str, Any]) -> dict[str, Any]:
    """What only the leaderboard tells: the ranks, what the search was worth, how its winner came about."""
    trials = [row.trial for row in context["rows"]]
    return {
        "ranked": ranked(context["rows"]),
        "figures": arm_figures(trials),
        "no_learning": in_sentence(MAJORITY_OF_SEVERAL if search.is_multi else NAMES[Trial.Kind.MAJORITY]),
        "worth": answers(search, trials),
        "family": family(leading(context["best"])),
    }


def leading(best: Trial | None) -> Trial | None:
    """The network that says most in an ensemble; any other trial is its own."""
    if best is None or best.kind != Trial.Kind.ENSEMBLE:
        return best
    for number, _ in best.members:
        network = best.search.trials.filter(number=number, kind=Trial.Kind.NETWORK).first()
        if network:
            return network
    return None


@require_safe
def live(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    if search.is_over or request.headers.get("X-Controls", controls(search)) != controls(search):
        return reload_page()

    def context() -> dict[str, Any]:
        return {**board(search, trials_of(search)), "controls": controls(search)}

    return render_live(request, "searches/_live.html", context, facts(search))


def controls(search: Search) -> str:
    """Which buttons the page has; they lie outside its live part, so a change loads the page anew."""
    return "finishing" if search.is_finishing else "paused" if search.is_paused else "going"
