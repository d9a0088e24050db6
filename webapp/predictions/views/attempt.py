"""Trying a model on a picture."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from search_engine.export.predict import Decision, Prediction
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.predictions import services
from webapp.predictions.forms import TryForm
from webapp.trained.models import TrainedModel

SHOWN = 8  # labels; the rest have next to no probability


@require_POST
def attempt(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    model = get_owned(TrainedModel, request.user, pk=pk)
    form = TryForm(request.POST, request.FILES)
    if not form.is_valid():
        return answer(request, model, error=form.errors["image"][0])
    picture = form.cleaned_data["image"]
    try:
        services.check_size(picture.size)
        predictions: Sequence[Prediction | Decision] = services.classify(model, picture.read())
    except UserError as error:
        return answer(request, model, error=error.message, status=error.status)
    # What a picture has is never left out, however many labels that are.
    chosen = [each.label for each in predictions if isinstance(each, Decision) and each.chosen]
    shown = [each for place, each in enumerate(predictions) if place < SHOWN or each.label in chosen]
    return answer(request, model, predictions=shown, chosen=chosen, name=picture.name)


def answer(
    request: AuthenticatedRequest, model: TrainedModel, status: int = 200, **context: object
) -> HttpResponse:
    if "error" in context and status == 200:
        status = 400
    template = "predictions/_answer.html" if request.htmx else "predictions/answer.html"
    return render(request, template, {"model": model, **context}, status=status)
