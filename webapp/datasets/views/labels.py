"""Labels of a data set: calling one something else, and having one take the pictures of another."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import editing
from webapp.datasets.models import Dataset, Edit


@require_POST
def rename(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    label, name = request.POST.get("label", ""), request.POST.get("name", "")
    return told(request, dataset, lambda: editing.rename_label(dataset=dataset, label=label, name=name))


@require_POST
def merge(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    label, into = request.POST.get("label", ""), request.POST.get("into", "")
    return told(request, dataset, lambda: editing.merge_labels(dataset=dataset, labels=[label], into=into))


def told(request: AuthenticatedRequest, dataset: Dataset, change: Callable[[], Edit | None]) -> HttpResponse:
    """Make the change, say what became of it, and show the labels again."""
    try:
        edit = change()
        messages.success(request, edit.text if edit else "There was nothing to change.")
    except UserError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('datasets:detail', kwargs={'pk': dataset.pk})}?tab=labels")
