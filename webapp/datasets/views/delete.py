"""Deleting a data set, after a question."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import services
from webapp.datasets.models import Dataset


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    if request.method != "POST":
        return render(request, "datasets/delete.html", {"dataset": dataset})
    try:
        services.delete_dataset(dataset=dataset)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("datasets:detail", pk=pk)
    messages.success(request, f"The data set “{dataset.name}” was deleted.")
    return redirect("datasets:list")
