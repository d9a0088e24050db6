"""What every request meets: limits before the body is read, safe headers, and the way to the set-up page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from webapp.core.http import impatient

GetResponse = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "object-src 'none'",
    ]
)
PERMISSIONS_POLICY = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"
DISK_RESERVE = 256 * 1024**2  # bytes that an upload must leave free, so that the database can go on writing
HEAR_OUT_BYTES = 256 * 1024**2  # of a body that was refused: what a picture or a usual zip has
FORM_ALLOWANCE = 1024**2  # bytes of a multipart body that are not the file: its other fields and boundaries


class RequestLimitMiddleware:
    """Refuses a body that is too large, or for which there is no room, before a byte of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        size = content_length(request)
        if not size and "HTTP_TRANSFER_ENCODING" in request.META:
            # Django would take it for an empty body, and the answer would be beside the point.
            return refusal(
                411,
                "length_required",
                "This request does not say how long it is. Send it with a Content-Length, not in chunks.",
            )
        if size > settings.UPLOAD_MAX_BYTES + FORM_ALLOWANCE:
            limit = settings.UPLOAD_MAX_BYTES / 1024**3
            return refusal(
                413,
                "too_large",
                f"This file is too large: at most {limit:g} GB can be sent. Split it in parts.",
            )
        if size > FORM_ALLOWANCE and size > shutil.disk_usage(settings.DATA_DIR).free - DISK_RESERVE:
            return refusal(
                507,
                "disk_full",
                "There is not enough room on the server's disk for this file. Free some and try again.",
            )
        response = self.get_response(request)
        if response.status_code >= 400 and size <= HEAR_OUT_BYTES:
            hear_out(request)
        return response


def hear_out(request: HttpRequest) -> None:
    """Read what is left of a body that was refused.

    Most clients listen only once they have sent everything: they would meet a broken connection instead of
    the reason.
    """
    with suppress(OSError), impatient(request):
        while request.read(64 * 1024):
            pass


def content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def refusal(status: int, code: str, message: str) -> JsonResponse:
    """An answer in the API's error shape; the upload page shows its message, too."""
    response = JsonResponse({"error": {"code": code, "message": message}}, status=status)
    response["Connection"] = "close"  # the body that we do not read must not be taken for the next request
    return response


class SecurityHeadersMiddleware:
    """Only our own scripts, styles and connections; nothing personal stays in a cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if kind in ("text/html", "application/json"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class FirstRunMiddleware:
    """While nobody has an account, every page leads to the one that makes the first."""

    # The API is no page: without an account there is no token, and it answers 401 by itself.
    OPEN = ("/setup/", "/static/", "/healthz", "/api/")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.somebody = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self.somebody and not request.path_info.startswith(self.OPEN):
            self.somebody = get_user_model().objects.exists()
            if not self.somebody:
                return HttpResponseRedirect("/setup/")
        return self.get_response(request)
