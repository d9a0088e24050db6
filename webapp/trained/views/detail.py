"""A model's page: what it can do, trying it, how it is built, how to call it, and the download."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches.narration import describe_pictures
from webapp.searches.replay import search_plan
from webapp.searches.views.candidate import drawing
from webapp.trained.models import TrainedModel
from webapp.trained.views.figures import COMMANDS, bundle_files, confusion_rows, mistakes, outcomes, slips
from webapp.trained.views.snippets import snippets
from webapp.trained.views.suspects import suspect_labels

TABS = {
    "overview": "Overview",
    "try": "Try",
    "architecture": "Architecture",
    "use": "Use",
    "download": "Download",
}


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    model = get_owned(TrainedModel, request.user, pk=pk)
    tab = request.GET.get("tab", "overview")
    if tab not in TABS:
        tab = "overview"
    context = {
        "model": model,
        "search": model.search,
        "dataset": model.search.version.dataset,
        "card": model.card,
        "test": model.test,
        "opened": (model.test or {}).get("opened", 1),
        "tab": tab,
        "tabs": [(key, name, None) for key, name in TABS.items()],
        **tab_context(request, model, tab),
    }
    return render(request, "trained/detail.html", context)


def tab_context(request: AuthenticatedRequest, model: TrainedModel, tab: str) -> dict[str, Any]:
    """What the open tab needs beyond the model itself."""
    version = model.search.version
    if tab == "overview":
        if model.is_multi:
            return {"outcomes": outcomes(model.test), "slips": slips(model.test)}
        rows = confusion_rows(model.test)
        return {"confusion": rows, "mistakes": mistakes(model.test), **suspect_labels(model)}
    if tab == "try":
        return {}
    if tab == "architecture":
        parts = model.card.get("members") or [{"genome": model.card.get("genome"), "share": 1.0}]
        drawings = [(part, drawing(part["genome"], version)) for part in parts if part["genome"]]
        varied = describe_pictures(search_plan(model.search)) if model.search.plan else []
        return {"drawings": drawings, "varied": varied}
    if tab == "use":
        return {"snippets": snippets(request, model)}
    return {"files": bundle_files(model), "commands": COMMANDS}
