"""One picture: its facts, its thumbnail, and the file as it was uploaded."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import storage
from webapp.datasets.models import Image

SHOWN_BY_BROWSERS = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
}
KEEP = "private, max-age=31536000, immutable"  # pictures are named by their content and never change


@require_safe
def picture(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    image = get_owned(Image, request.user, pk=pk)
    context = {"picture": image, "can_show": image.format.lower() in SHOWN_BY_BROWSERS}
    template = "datasets/_picture.html" if request.htmx else "datasets/picture.html"
    return render(request, template, context)


@require_safe
def thumbnail(request: AuthenticatedRequest, pk: int) -> FileResponse:
    image = get_owned(Image, request.user, pk=pk)
    return serve(storage.thumbnail_path(image), content_type="image/webp")


@require_safe
def original(request: AuthenticatedRequest, pk: int) -> FileResponse:
    image = get_owned(Image, request.user, pk=pk)
    # Always as an attachment: nothing that somebody uploaded is ever shown as a page of ours.
    kind = SHOWN_BY_BROWSERS.get(image.format.lower(), "application/octet-stream")
    return serve(
        storage.image_path(image), content_type=kind, name=PurePosixPath(image.name).name or "picture"
    )


def serve(path: Path, *, content_type: str, name: str = "") -> FileResponse:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise Http404("The file of this picture is not on the disk any more.") from None
    response = FileResponse(file, as_attachment=bool(name), filename=name, content_type=content_type)
    response["Cache-Control"] = KEEP
    return response
