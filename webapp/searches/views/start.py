"""Train: how long may it take?"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets.models import Dataset
from webapp.searches import services
from webapp.searches.forms import BUDGETS, TrainForm


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    version = dataset.latest
    form = TrainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            search = services.start_search(
                owner=request.user,
                version=version,
                budget_minutes=form.budget_minutes,
                seed=form.cleaned_data["seed"] or 0,
            )
            return redirect("searches:detail", pk=search.pk)
        except UserError as error:
            form.add_error(None, error.message)
    context = {"dataset": dataset, "version": version, "form": form, "budgets": BUDGETS}
    return render(request, "searches/start.html", context, status=400 if form.errors else 200)
