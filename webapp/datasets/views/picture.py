"""One picture: its facts, its thumbnail, and the file as it was uploaded."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path, PurePosixPath

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from search_engine.data.decode import decode_image
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import storage
from webapp.datasets.models import Dataset, Finding, Image, Opinion

SHOWN_BY_BROWSERS = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "avif": "image/avif",
}
SHOWN_SIDE = 2048  # pixels; what a large screen has
KEEP = "private, max-age=31536000, immutable"  # pictures are named by their content and never change


@require_safe
def picture(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    image = get_owned(Image, request.user, pk=pk)
    latest = image.dataset.latest
    links = image.image_labels.filter(removed_in=None)  # of a removed picture: those that it had
    context = {
        "dataset": image.dataset,
        "picture": image,
        "labels": sorted({link.label.name for link in links.select_related("label")}),
        "label_names": list(latest.summary.get("labels", {})) if latest else [],
        "opinion": Opinion.objects.filter(image=image).select_related("label").first(),
        "findings": image.findings.filter(state=Finding.State.OPEN),
        "is_multi": image.dataset.task == Dataset.Task.MULTI,
        "query": request.GET.urlencode(),
        "stays": "stay" in request.GET,  # opened from another page than the wall, to which an edit returns
    }
    template = "datasets/_picture.html" if request.htmx else "datasets/picture.html"
    return render(request, template, context)


@require_safe
def shown(request: AuthenticatedRequest, pk: int) -> HttpResponseBase:
    """The original, or the same picture in a format that browsers show."""
    image = get_owned(Image, request.user, pk=pk)
    if image.format.lower() in SHOWN_BY_BROWSERS:
        return original(request, pk)
    try:
        data = storage.image_path(image).read_bytes()
    except FileNotFoundError:
        raise Http404("The file of this picture is not on the disk any more.") from None
    decoded = decode_image(data)
    decoded.thumbnail((SHOWN_SIDE, SHOWN_SIDE), reducing_gap=2.0)
    file = BytesIO()
    decoded.save(file, "WEBP", quality=90)
    return HttpResponse(file.getvalue(), content_type="image/webp", headers={"Cache-Control": KEEP})


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
