"""Versions of a data set: their list, what each changed, its name, saving and throwing away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import editing, versions
from webapp.datasets.models import Dataset, DatasetVersion, Image

SHOWN = 60  # pictures of each kind of change


def version_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """Every version, the newest first, with its changes in words and what was trained on it."""
    # Searches are above data sets; they are reached by name, as when a data set is deleted.
    trained: dict[int, list[dict[str, Any]]] = {}
    searches = dataset.versions.filter(searches__isnull=False).order_by("searches__pk")
    for pk, search, model in searches.values_list("pk", "searches__pk", "searches__model__pk"):
        trained.setdefault(pk, []).append({"search": search, "model": model})
    return [
        {
            "version": version,
            "changes": words_of(version),
            "trained": trained.get(version.pk, []),
            "is_open": version.state == DatasetVersion.State.OPEN,
        }
        for version in dataset.versions.all()
    ]


def words_of(version: DatasetVersion) -> str:
    """What changed; versions from before changes were counted are told by what they hold."""
    return versions.changes_in_words(version.changes) if version.changes else ""


@require_safe
def version_page(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    version = get_owned(DatasetVersion, request.user, dataset=pk, number=number)
    difference = versions.difference(version)
    parts = [
        part("Added", [(image, "") for image in difference.added]),
        part("Removed", [(image, "") for image in difference.removed]),
        part(
            "Other labels",
            [
                (each.image_id, f"{named(each.before)} → {named(each.after)}")
                for each in difference.relabelled
            ],
        ),
        part(
            "Another split",
            [
                (each.image_id, f"{Image.Split(each.before).label} → {Image.Split(each.after).label}")
                for each in difference.moved
            ],
        ),
    ]
    context = {
        "dataset": version.dataset,
        "version": version,
        "is_open": version.state == DatasetVersion.State.OPEN,
        "changes": versions.changes_in_words(difference.counts),
        "parts": [each for each in parts if each["count"]],
        "before": versions.version_before(version),
        "edits": version.edits.filter(undone=False).order_by("pk"),
    }
    return render(request, "datasets/version.html", context)


def part(title: str, found: list[tuple[int, str]]) -> dict[str, Any]:
    """The pictures of one kind of change, the first of them with what it was and is."""
    shown = found[:SHOWN]
    images = Image.objects.in_bulk([pk for pk, _ in shown])
    return {
        "title": title,
        "count": len(found),
        "rest": len(found) - len(shown),
        "pictures": [{"picture": images[pk], "words": words} for pk, words in shown if pk in images],
    }


def named(labels: tuple[str, ...]) -> str:
    return ", ".join(labels) or "no label"


@require_POST
def name(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    version = get_owned(DatasetVersion, request.user, dataset=pk, number=number)
    try:
        versions.rename_version(version=version, name=request.POST.get("name", ""))
        messages.success(request, f"Version {number} has its name.")
    except UserError as error:
        messages.error(request, error.message)
    return redirect("datasets:version", pk=pk, number=number)


@require_POST
def seal(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    version = get_owned(DatasetVersion, request.user, dataset=pk, number=number)
    try:
        versions.seal_version(version=version, name=request.POST.get("name"))
        messages.success(request, f"Version {number} is saved. The next change begins another one.")
    except UserError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('datasets:detail', kwargs={'pk': pk})}?tab=versions")


@require_POST
def discard(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    version = get_owned(DatasetVersion, request.user, dataset=pk, number=number)
    try:
        editing.discard_version(version=version)
        messages.success(request, f"The changes of version {number} were thrown away.")
    except UserError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('datasets:detail', kwargs={'pk': pk})}?tab=versions")
