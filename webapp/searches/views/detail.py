"""A search: alive while it runs, a leaderboard when it is over."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.core.views.live import digest, reload_page, render_live
from webapp.searches.models import Search
from webapp.searches.views.board import board, facts


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    context = board(search)
    if search.is_over:
        return render(request, "searches/leaderboard.html", context)
    return render(request, "searches/running.html", {**context, "digest": digest(facts(context))})


@require_safe
def live(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    if search.is_over:
        return reload_page()
    context = board(search)
    return render_live(request, "searches/_live.html", context, facts(context))
