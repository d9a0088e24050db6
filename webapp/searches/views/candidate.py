"""One candidate of a search, and the drawing of its network."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from search_engine.space.architecture import Genome
from search_engine.space.draw import draw
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets.models import DatasetVersion
from webapp.searches.models import Trial
from webapp.searches.narration import network_name, trial_name
from webapp.searches.views.family import family
from webapp.searches.views.ranking import outside


@require_safe
def trial(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    found = get_owned(Trial, request.user, search=pk, number=number)
    context = {
        "search": found.search,
        "trial": found,
        "name": trial_name(found),
        "outside": outside(found),
        "family": family(found),
        "members": members(found),
        "again": network_name(found.parent_number, found.search),
        "drawing": drawing(found.genome, found.search.version),
        "genome": json.dumps(found.genome, indent=2) if found.genome else "",
        "chart_data": epoch_data(found),
    }
    return render(request, "searches/candidate.html", context)


def members(found: Trial) -> list[tuple[Trial, float]]:
    """The networks of an ensemble, each with its share of the answer."""
    shares = dict(found.members)
    trials = found.search.trials.filter(number__in=shares).defer("right")
    return sorted(((trial, shares[trial.number]) for trial in trials), key=lambda each: -each[1])


@require_safe
def architecture(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponse:
    found = get_owned(Trial, request.user, search=pk, number=number)
    svg = drawing(found.genome, found.search.version)
    if not svg:
        raise Http404("This candidate is not a network, so there is nothing to draw.")
    return HttpResponse(svg, content_type="image/svg+xml")


def drawing(genome: dict[str, Any] | None, version: DatasetVersion) -> SafeString:
    """The network as SVG, or nothing for a candidate that has none."""
    if not genome:
        return SafeString("")
    classes = len(version.summary.get("labels", {}))
    # Our own drawing, in which every text is escaped.
    return mark_safe(draw(Genome.from_dict(genome), classes))  # noqa: S308


def epoch_data(found: Trial) -> dict[str, Any]:
    points = [
        {"epoch": e.number, "accuracy": e.accuracy * 100, "loss": e.train_loss}
        for e in found.epoch_rows.all()
    ]
    if not points:
        return {}
    top = max(points, key=lambda point: point["accuracy"])
    what = " labels" if found.search.is_multi else ""
    title = f"Best after pass {top['epoch']}: right on {top['accuracy']:.1f} of 100{what}"
    return {"right": found.search.right_of_100, "epochs": {"title": title, "points": points}}
