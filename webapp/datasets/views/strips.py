"""Cards of data sets, with a few pictures that stand for each."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.db.models import Max, Min

from webapp.datasets.models import Dataset, Finding, Image, ImageLabel


def strip(dataset: Dataset, count: int = 4) -> list[Image]:
    """Pictures of different labels, as far as there are enough; the same ones every time."""
    ends = list(
        ImageLabel.objects.filter(image__dataset=dataset, removed_in=None, image__removed_in=None)
        .values("label")
        .annotate(first=Min("image"), last=Max("image"))
        .order_by("label")[:count]
    )
    wanted = dict.fromkeys([*(row["first"] for row in ends), *(row["last"] for row in ends)])
    found = Image.objects.in_bulk(list(islice(wanted, count)))
    return [found[pk] for pk in islice(wanted, count) if pk in found]


def card(dataset: Dataset) -> dict[str, Any]:
    """What the card of a data set shows."""
    return {
        "dataset": dataset,
        "version": dataset.latest,
        "found": dataset.findings.filter(state=Finding.State.OPEN).count(),
        "strip": strip(dataset),
    }
