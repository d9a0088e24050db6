"""One data set: its import while that runs, then pictures, labels, rejected files and versions."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.core.views.live import digest, reload_page, render_live
from webapp.datasets import services
from webapp.datasets.forms import UploadForm
from webapp.datasets.models import Dataset, DatasetVersion, Image, Upload
from webapp.datasets.progress import import_now
from webapp.datasets.views.findings import findings_context
from webapp.datasets.views.tabs import dataset_tabs
from webapp.datasets.views.versions import version_rows
from webapp.datasets.views.wall import latest_context, shown_version, wall_context

ROWS = 100  # rejected files a page


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    version = dataset.latest
    upload = services.latest_upload(dataset)
    context: dict[str, Any] = {
        "dataset": dataset,
        "version": version,
        "upload": upload,
        "digest": digest(import_facts(upload)),
        "upload_form": UploadForm(),
    }
    if version:
        context |= latest_context(dataset, version) | tab_context(request, dataset, version)
    return render(request, "datasets/detail.html", context)


@require_safe
def status(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    if dataset.state != Dataset.State.IMPORTING:
        return reload_page()
    upload = services.latest_upload(dataset)
    context = {"dataset": dataset, "upload": upload}
    return render_live(request, "datasets/_import.html", lambda: context, import_facts(upload))


@require_safe
def rejected(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    if not request.htmx:
        address = reverse("datasets:detail", kwargs={"pk": pk})
        return redirect(f"{address}?{with_tab(request, 'rejected')}")
    context = {"dataset": dataset, **rejected_context(request, dataset)}
    return render(request, "datasets/_rejected.html", context)


def with_tab(request: AuthenticatedRequest, tab: str) -> str:
    query = request.GET.copy()
    query["tab"] = tab
    return query.urlencode()


def import_facts(upload: Upload | None) -> list[object]:
    """What the import's part of the page shows."""
    now = import_now(upload.dataset) if upload else None
    return now.facts if now else []


def tab_context(request: AuthenticatedRequest, dataset: Dataset, version: DatasetVersion) -> dict[str, Any]:
    """The tabs, and what the open one needs."""
    labels = services.label_counts(version)
    tabs = dataset_tabs(dataset, version)
    tab = request.GET.get("tab", "pictures")
    if tab not in {key for key, _, _ in tabs}:
        tab = "pictures"
    context: dict[str, Any] = {"tabs": tabs, "tab": tab}
    if tab == "pictures":
        context |= wall_context(request, dataset, shown_version(request, dataset, version))
    elif tab == "labels":
        context["labels"] = labels
        context["most"] = max(labels.values(), default=0)
        context["unlabelled"] = version.summary.get("unlabelled", 0)
        context["splits"] = [
            (name, version.summary.get("splits", {}).get(key, 0)) for key, name in Image.Split.choices
        ]
    elif tab == "doctor":
        context |= findings_context(request, dataset)
    elif tab == "rejected":
        context |= rejected_context(request, dataset)
    else:
        context["versions"] = version_rows(dataset)
    return context


def rejected_context(request: AuthenticatedRequest, dataset: Dataset) -> dict[str, Any]:
    page = Paginator(services.rejected_files(dataset), ROWS).get_page(request.GET.get("page"))
    return {"page": page, "query": page_query(request), "counts": services.import_counts(dataset)}


def page_query(request: AuthenticatedRequest) -> str:
    """The filters of this address, for the links to its other pages."""
    query = request.GET.copy()
    query.pop("page", None)
    query.pop("tab", None)
    return query.urlencode()
