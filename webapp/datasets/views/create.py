"""New data sets and further pictures. The form works alone; a script sends by tus and brings the camera."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import receiving, server_paths, services, transfers
from webapp.datasets.forms import NewDatasetForm, UploadForm
from webapp.datasets.models import Dataset


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedRequest) -> HttpResponse:
    if request.method != "POST":
        return show(request, NewDatasetForm())
    form = NewDatasetForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, form, status=400)
    try:
        dataset = services.create_dataset(owner=request.user, name=form.cleaned_data["name"])
    except UserError as error:
        return refuse(request, form, error)
    try:
        take(request, dataset, form)
    except UserError as error:
        services.delete_dataset(dataset=dataset)  # nothing is left half made
        return refuse(request, form, error)
    return redirect("datasets:detail", pk=dataset.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    if request.method != "POST":
        return show(request, UploadForm(), dataset)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, form, dataset, status=400)
    try:
        take(request, dataset, form)
    except UserError as error:
        return refuse(request, form, error, dataset)
    return redirect("datasets:detail", pk=dataset.pk)


@require_POST
def sample(request: AuthenticatedRequest) -> HttpResponse:
    dataset = services.import_sample(owner=request.user)
    return redirect("datasets:detail", pk=dataset.pk)


def take(request: AuthenticatedRequest, dataset: Dataset, form: UploadForm) -> None:
    """Have what the form brought imported."""
    path, label = form.cleaned_data["path"], form.cleaned_data["label"]
    if path:
        server_paths.add_server_path(dataset=dataset, user=request.user, path=path, label=label)
    else:
        receiving.receive_files(dataset=dataset, files=form.cleaned_data["file"], label=label)


def refuse(
    request: AuthenticatedRequest, form: UploadForm, error: UserError, dataset: Dataset | None = None
) -> HttpResponse:
    """The form again, with what is wrong."""
    form.add_error(None, error.message)
    return show(request, form, dataset, status=error.status)


def show(
    request: AuthenticatedRequest, form: UploadForm, dataset: Dataset | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "dataset": dataset,
        "unfinished": transfers.unfinished(request.user, dataset),
    }
    return render(request, "datasets/new.html", context, status=status)
