"""Every component on one page, while developing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict


class ExampleForm(forms.Form):
    """One field that is filled well, one that is not, and a file."""

    name = forms.CharField(label="Name", help_text="What you will know it by.")
    minutes = forms.IntegerField(label="Minutes", max_value=60)
    file = forms.FileField(label="Zip file")


def example_arm(accuracies: list[float]) -> dict[str, Any]:
    points = [{"x": x, "y": y} for x, y in enumerate(accuracies, start=1)]
    return {"networks": points, "minutes": points, "count": len(points)}


CHART_DATA: dict[str, Any] = {
    "best": {
        "title": "The search found a better network than random did",
        "text": "The best accuracy so far.",
        "ours": example_arm([94 - 12 / (1 + x) for x in range(1, 12)]),
        "random": example_arm([92 - 14 / (1 + x) for x in range(1, 5)]),
        "fair": {"count": 4, "ours": 91.6, "random": 89.2},
        "probe": 87.5,
    }
}


@login_not_required
def styleguide(request: HttpRequest) -> HttpResponse:
    context = {
        "form": ExampleForm({"name": "Bottles and cans", "minutes": "900"}, MultiValueDict()),
        "chart_data": CHART_DATA,
        "options": [
            {"value": "a", "title": "Cells", "text": "Designs a block and repeats it.", "checked": True},
            {"value": "b", "title": "Layers", "text": "Chooses one stage after the other."},
        ],
        "tabs": [("a", "Pictures", 2022), ("b", "Labels", 6), ("c", "Versions", None)],
        "code": "curl -H 'Authorization: Bearer TOKEN' -F image=@picture.jpg http://127.0.0.1:8000/",
    }
    return render(request, "core/styleguide.html", context)
