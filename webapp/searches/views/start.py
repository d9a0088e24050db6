"""Train: how long may it take, and what else may be chosen."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.datasets.models import Dataset
from webapp.searches import services
from webapp.searches.choices import (
    DEFAULTS,
    Words,
    fidelities,
    objectives,
    savings,
    spaces,
    startable,
    strategies,
    trunks,
)
from webapp.searches.forms import BUDGETS, TrainForm
from webapp.searches.models import Search

ADVANCED = ("strategy", "space", "fidelity", "max_latency_ms", "max_millions", "start_from", "seed")
EXPERT = ("objective", "trunk", "saving", "random_percent", "prefilter", "whole", "alone")


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    version = dataset.latest
    earlier = startable(owned(Search, request.user).filter(version__dataset=dataset))
    form = TrainForm(request.POST or None, earlier=earlier)
    if request.method == "POST" and form.is_valid():
        try:
            search = services.start_search(
                owner=request.user,
                version=version,
                budget_minutes=form.budget_minutes,
                seed=form.cleaned_data["seed"] or 0,
                choices=form.choices,
            )
            return redirect("searches:detail", pk=search.pk)
        except UserError as error:
            form.add_error(None, error.message)
    context = {
        "dataset": dataset,
        "version": version,
        "form": form,
        "budgets": BUDGETS,
        "strategies": options(form, "strategy", strategies(), DEFAULTS.strategy),
        "spaces": options(form, "space", spaces(), DEFAULTS.space),
        "fidelities": options(form, "fidelity", fidelities(), DEFAULTS.fidelity),
        "objectives": options(form, "objective", objectives(), DEFAULTS.objective),
        "trunks": options(form, "trunk", trunks(), DEFAULTS.trunk),
        "savings": options(form, "saving", savings(), DEFAULTS.saving),
        "open": touched(form, (*ADVANCED, *EXPERT)),
        "open_expert": touched(form, EXPERT),
    }
    return render(request, "searches/start.html", context, status=400 if form.errors else 200)


def touched(form: TrainForm, names: tuple[str, ...]) -> bool:
    """Whether any of the fields is other than usual or wrong, so that its part of the page must be open."""
    present = [name for name in names if name in form.fields]
    return any(
        form[name].errors or form.data.get(name) not in (None, "", form.fields[name].initial)
        for name in present
    )


def options(form: TrainForm, name: str, words: dict[str, Words], default: str) -> list[dict[str, Any]]:
    """The options of a field as the list of them shows them; one of them is always chosen."""
    chosen = form[name].value()
    if chosen not in words:
        chosen = default
    return [
        {"value": value, "title": text.title, "text": text.text, "checked": value == chosen}
        for value, text in words.items()
    ]
