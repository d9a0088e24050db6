"""Resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload), beside Ninja.

Plain views, since Ninja would read a body into memory before we see it. The extensions are creation,
creation-with-upload, checksum, expiration and termination. What a transfer is, ``transfers`` knows; here is
only what the protocol says of headers and statuses.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, reverse
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import AuthenticationError

from webapp.api.auth import SessionAuth, TokenAuth
from webapp.api.errors import UNAUTHORIZED, answer_error
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest, impatient
from webapp.core.lookups import get_owned
from webapp.datasets import transfers
from webapp.datasets.models import Dataset, Transfer

View = Callable[..., HttpResponse]

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = {"sha256": 32, "sha1": 20}  # bytes of the digest
BODY = "application/offset+octet-stream"
NUMBER = re.compile(r"[0-9]{1,15}")


def tus(*methods: str) -> Callable[[View], View]:
    """A view of the protocol: methods, version, who calls, and every error in the API's shape."""

    def decorate(view: View) -> View:
        @csrf_exempt  # SessionAuth asks for the token, a bearer's token needs none
        @wraps(view)
        def answered(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            override = request.headers.get("X-HTTP-Method-Override", "")
            if request.method == "POST" and override:
                request.method = override.upper()  # for clients and proxies that know GET and POST only
            try:
                response = dispatch(request, view, methods, kwargs)
            except Exception as error:
                response = answer_error(request, error)
            response["Tus-Resumable"] = response["Tus-Version"] = VERSION
            response["Cache-Control"] = "no-store"
            return response

        return answered

    return decorate


def dispatch(
    request: HttpRequest, view: View, methods: tuple[str, ...], kwargs: dict[str, Any]
) -> HttpResponse:
    if request.method == "OPTIONS":
        return options()
    if request.method not in methods:
        return HttpResponseNotAllowed([*methods, "OPTIONS"])
    if request.headers.get("Tus-Resumable") != VERSION:
        raise TusVersionError
    if not (TokenAuth()(request) or SessionAuth()(request)):
        raise AuthenticationError(message=UNAUTHORIZED)
    return view(request, **kwargs)


class TusVersionError(UserError):
    def __init__(self) -> None:
        super().__init__(
            "wrong_version",
            f"Uploads speak tus {VERSION}: send the header Tus-Resumable: {VERSION}.",
            status=412,
        )


def options() -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        },
    )


@tus("POST")
def create(request: AuthenticatedRequest) -> HttpResponse:
    """A new transfer; with a body, its first piece."""
    for name in ("Upload-Defer-Length", "Upload-Concat"):
        if name in request.headers:
            raise bad(f"{name} is not offered here. Send Upload-Length, and one upload a file.")
    length = number(request, "Upload-Length")
    facts = metadata(request.headers.get("Upload-Metadata", ""))
    if not NUMBER.fullmatch(facts.get("dataset", "")):
        raise bad("Upload-Metadata must name the data set by its id: `dataset` and the id in base64.")
    dataset = get_owned(Dataset, request.user, pk=int(facts["dataset"]))
    with_body = request.content_type == BODY
    if with_body:
        check_has_length(request)
    transfer = transfers.start_transfer(
        dataset=dataset, name=facts.get("filename", ""), length=length, label=facts.get("label", "")
    )
    response = HttpResponse(status=201)
    if with_body:
        receive_body(request, transfer, 0)
        response["Upload-Offset"] = str(transfer.offset)
    response["Location"] = reverse("api:upload", kwargs={"key": transfer.key})
    return dated(response, transfer)


@tus("HEAD", "PATCH", "DELETE")
def upload(request: AuthenticatedRequest, key: str) -> HttpResponse:
    transfer = get_owned(Transfer, request.user, key=key)
    answers = {"HEAD": look, "PATCH": patch, "DELETE": terminate}
    return answers[request.method or ""](request, transfer)


def look(_: HttpRequest, transfer: Transfer) -> HttpResponse:
    """How far it is; of one that has arrived, that all of it is here."""
    if transfer.state != Transfer.State.DONE:
        transfers.check_arriving(transfer)
    response = HttpResponse(
        headers={"Upload-Offset": str(transfer.offset), "Upload-Length": str(transfer.length)}
    )
    return dated(response, transfer)


def patch(request: HttpRequest, transfer: Transfer) -> HttpResponse:
    if request.content_type != BODY:
        raise UserError("wrong_content_type", f"Send a piece as Content-Type: {BODY}.", status=415)
    check_has_length(request)
    complete = receive_body(request, transfer, number(request, "Upload-Offset"))
    response = HttpResponse(status=204, headers={"Upload-Offset": str(transfer.offset)})
    if not complete:
        response["Connection"] = "close"  # what still dribbles in is no next request
    return dated(response, transfer)


def terminate(_: HttpRequest, transfer: Transfer) -> HttpResponse:
    transfers.cancel_transfer(transfer)
    return HttpResponse(status=204)


def receive_body(request: HttpRequest, transfer: Transfer, offset: int) -> bool:
    """Take the body as a piece; whether all of it came."""
    size = int(request.META["CONTENT_LENGTH"])
    with impatient(request):
        transfers.receive(transfer, offset=offset, size=size, source=request, checksum=checksum(request))
    return transfer.offset == offset + size


def checksum(request: HttpRequest) -> transfers.Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise bad(f"The checksum {algorithm[:20]!r} is not known here. Use {' or '.join(ALGORITHMS)}.")
    digest = decoded(encoded)
    if digest is None or len(digest) != ALGORITHMS[algorithm]:
        raise bad(f"Upload-Checksum is not a {algorithm} digest in base64.")
    return transfers.Checksum(algorithm, digest)


def metadata(header: str) -> dict[str, str]:
    """``filename d29ybGQ=,dataset NQ==`` as a dictionary; values are UTF-8 in base64.

    Raises:
        UserError: it is none.
    """
    facts = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        value = decoded(encoded)
        try:
            facts[key] = (value if value is not None else b"\xff").decode()
        except UnicodeDecodeError:
            raise bad(
                f"Upload-Metadata is not readable at {key[:40]!r}: values are UTF-8 in base64."
            ) from None
    return facts


def decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def number(request: HttpRequest, name: str) -> int:
    text = request.headers.get(name, "")
    if not NUMBER.fullmatch(text):
        raise bad(f"The header {name} must be there, with a number of bytes.")
    return int(text)


def check_has_length(request: HttpRequest) -> None:
    if not NUMBER.fullmatch(request.META.get("CONTENT_LENGTH") or ""):
        raise UserError(
            "length_required",
            "Say with Content-Length how long this piece is, and do not chunk it.",
            status=411,
        )


def bad(message: str) -> UserError:
    return UserError("bad_request", message)


def dated(response: HttpResponse, transfer: Transfer) -> HttpResponse:
    if transfer.state == Transfer.State.ARRIVING:
        response["Upload-Expires"] = http_date(transfer.expires_at.timestamp())
    return response


urlpatterns: list[URLPattern] = [
    path("uploads", create, name="uploads"),
    path("uploads/<str:key>", upload, name="upload"),
]
