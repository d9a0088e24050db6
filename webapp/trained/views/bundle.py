"""The model as a zip."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.trained import services
from webapp.trained.models import TrainedModel


@require_safe
def bundle(request: AuthenticatedRequest, pk: int) -> HttpResponseBase:
    model = get_owned(TrainedModel, request.user, pk=pk)
    try:
        file = services.open_bundle(model)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("trained:detail", pk=pk)
    name = services.download_name(model)
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
