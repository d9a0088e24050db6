"""New data sets and further uploads. The form works alone; a script adds the progress bar and wants JSON."""

from __future__ import annotations

from django.forms import Form
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import services
from webapp.datasets.forms import NewDatasetForm, UploadForm
from webapp.datasets.models import Dataset


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "datasets/new.html", {"form": NewDatasetForm()})
    form = NewDatasetForm(request.POST, request.FILES)
    if not form.is_valid():
        return refuse(request, form)
    try:
        dataset = services.create_dataset(owner=request.user, name=form.cleaned_data["name"])
    except UserError as error:
        return refuse(request, form, error)
    try:
        services.receive_upload(dataset=dataset, file=form.cleaned_data["file"])
    except UserError as error:
        services.delete_dataset(dataset=dataset)  # nothing is left half made
        return refuse(request, form, error)
    return accept(request, dataset)


@require_POST
def upload(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return refuse(request, form, dataset=dataset)
    try:
        services.receive_upload(dataset=dataset, file=form.cleaned_data["file"])
    except UserError as error:
        return refuse(request, form, error, dataset=dataset)
    return accept(request, dataset)


@require_POST
def sample(request: AuthenticatedRequest) -> HttpResponse:
    dataset = services.import_sample(owner=request.user)
    return redirect("datasets:detail", pk=dataset.pk)


def accept(request: AuthenticatedRequest, dataset: Dataset) -> HttpResponse:
    url = reverse("datasets:detail", kwargs={"pk": dataset.pk})
    return JsonResponse({"url": url}, status=201) if wants_json(request) else redirect(url)


def refuse(
    request: AuthenticatedRequest, form: Form, error: UserError | None = None, dataset: Dataset | None = None
) -> HttpResponse:
    """The form again with what is wrong, or the same words as JSON."""
    status = error.status if error else 400
    if error:
        form.add_error(None, error.message)
    if wants_json(request):
        words = " ".join(str(message) for messages in form.errors.values() for message in messages)
        code = error.code if error else "invalid_form"
        return JsonResponse({"error": {"code": code, "message": words}}, status=status)
    return render(request, "datasets/new.html", {"form": form, "dataset": dataset}, status=status)


def wants_json(request: AuthenticatedRequest) -> bool:
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"
