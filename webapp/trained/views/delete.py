"""Deleting a model, after a question."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.trained import services
from webapp.trained.models import TrainedModel


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    model = get_owned(TrainedModel, request.user, pk=pk)
    if request.method != "POST":
        return render(request, "trained/delete.html", {"model": model})
    try:
        services.delete_model(model)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("trained:detail", pk=pk)
    messages.success(request, f"The model “{model.name}” was deleted.")
    return redirect("home")
