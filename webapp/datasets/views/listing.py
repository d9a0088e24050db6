"""All your data sets."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import owned
from webapp.datasets.models import Dataset
from webapp.datasets.views.strips import card


@require_safe
def listing(request: AuthenticatedRequest) -> HttpResponse:
    datasets = owned(Dataset, request.user)
    return render(request, "datasets/list.html", {"cards": [card(each) for each in datasets]})
