"""A version to take away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import exporting
from webapp.datasets.models import DatasetVersion
from webapp.datasets.versions import seal_version


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: AuthenticatedRequest, pk: int, number: int) -> HttpResponseBase:
    """A saved version is only read; an open one is saved first, so that takes a POST."""
    version = get_owned(DatasetVersion, request.user, dataset=pk, number=number)
    try:
        if request.method == "POST":
            seal_version(version=version)
        form = (request.POST if request.method == "POST" else request.GET).get("form", "zip")
        return streamed(version, form)
    except UserError as error:
        messages.error(request, error.message)
        return redirect(f"{reverse('datasets:detail', kwargs={'pk': pk})}?tab=versions")


def streamed(version: DatasetVersion, form: str) -> StreamingHttpResponse:
    """The export as a download.

    Raises:
        UserError: the version is open, or there is no such form.
    """
    name, kind, data = exporting.export(version, form)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return StreamingHttpResponse(data, content_type=kind, headers={"Content-Disposition": str(disposition)})
