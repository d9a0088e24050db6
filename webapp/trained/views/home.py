"""Home: what is running, your models, your data sets; or the three steps, before there is any."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import owned
from webapp.datasets.models import Dataset
from webapp.datasets.views.strips import card, strip
from webapp.searches.models import Search
from webapp.searches.views.board import ends_at
from webapp.searches.views.ranking import best_of
from webapp.trained.models import TrainedModel

RUNNING = (Search.State.QUEUED, Search.State.RUNNING, Search.State.PAUSED)
CARDS = 6


@require_safe
def home(request: AuthenticatedRequest) -> HttpResponse:
    searches = owned(Search, request.user).select_related("version__dataset")
    models = owned(TrainedModel, request.user).select_related("search__version__dataset")
    datasets = owned(Dataset, request.user)
    context = {
        "running": [running_card(search) for search in searches.filter(state__in=RUNNING)],
        "models": [{"model": m, "strip": strip(m.search.version.dataset)} for m in models[:CARDS]],
        "datasets": [card(each) for each in datasets[:CARDS]],
        "past": searches.exclude(state__in=RUNNING).filter(model=None)[:CARDS],
        "more_datasets": datasets.count() > CARDS,
    }
    return render(request, "home.html", context)


def running_card(search: Search) -> dict[str, Any]:
    return {
        "search": search,
        "best": best_of(list(search.trials.defer("right", "genome"))),
        "tried": search.trials.filter(state="finished").exclude(origin="finish").count(),
        "ends_at": ends_at(search),
        "strip": strip(search.version.dataset),
    }
