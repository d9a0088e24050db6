"""Labelling by keyboard: unlabelled pictures, one after the other."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import editing
from webapp.datasets.labelling import label_keys, next_unlabelled, unlabelled_left
from webapp.datasets.models import Dataset, DatasetVersion


@require_http_methods(["GET", "HEAD", "POST"])
def label(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """A picture and the labels it can get; with POST, give it some and go on with the next."""
    dataset = get_owned(Dataset, request.user, pk=pk)
    version = dataset.latest
    if version is None:
        return redirect("datasets:detail", pk=pk)
    if request.method == "POST":
        return labelled(request, dataset)
    return render(request, "datasets/label.html", label_context(request, dataset, version))


def labelled(request: AuthenticatedRequest, dataset: Dataset) -> HttpResponse:
    """Give the picture its labels, or take the last edit back."""
    address = reverse("datasets:label", kwargs={"pk": dataset.pk})
    image = number(request.POST.get("image", ""))
    try:
        if request.POST.get("action") == "undo":
            editing.undo_last(dataset=dataset, edit=number(request.POST.get("edit", "")))
            # Back to the very picture: it has no label again.
            return redirect(f"{address}?at={image}" if image else address)
        chosen = [name for name in request.POST.getlist("labels") if name.strip()]
        if not chosen:
            raise UserError("no_label", "No label was chosen. Choose one, or skip the picture.")
        editing.relabel(dataset=dataset, images=[image] if image else [], labels=chosen)
    except UserError as error:
        messages.error(request, error.message)
        return redirect(f"{address}?at={image}" if image else address)
    return redirect(f"{address}?after={image}" if image else address)


def label_context(request: AuthenticatedRequest, dataset: Dataset, version: DatasetVersion) -> dict[str, Any]:
    after, at = number(request.GET.get("after", "")), number(request.GET.get("at", ""))
    found = next_unlabelled(version, after=after)
    again = dataset.images.filter(pk=at, removed_in=None).first() if at else None
    if again:
        found = [again, *(each for each in found if each.pk != again.pk)]
    is_open = version.state == DatasetVersion.State.OPEN
    last = version.edits.filter(undone=False).first() if is_open else None
    return {
        "dataset": dataset,
        "picture": found[0] if found else None,
        "coming": found[1] if len(found) > 1 else None,
        "left": unlabelled_left(version),
        "keys": label_keys(dataset, version),
        "is_multi": dataset.task == Dataset.Task.MULTI,
        "last_edit": last,
        "before": after,
    }


def number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
