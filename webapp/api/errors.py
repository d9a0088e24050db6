"""Every error of the API in one shape: ``{"error": {"code": "...", "message": "..."}}``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from webapp.core.errors import UserError

log = logging.getLogger(__name__)

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
    500: "server_error",
}
UNAUTHORIZED = "Send an API token as `Authorization: Bearer TOKEN`, or log in."
WORDS = {
    "Unauthorized": UNAUTHORIZED,
    "Cannot parse request body": 'The body of this request is not JSON. Send JSON, such as {"name": "Cats"}.',
}
"""Ninja's own messages, in words that say what to do."""


def error_response(status: int, message: str, *, code: str = "") -> HttpResponse:
    """An error answer; the code follows from the status unless it is given."""
    name = code or CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")
    response = JsonResponse({"error": {"code": name, "message": message}}, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="Netwright"'
    return response


def _user_error(_: HttpRequest, error: UserError) -> HttpResponse:
    return error_response(error.status, error.message, code=error.code)


def _not_found(_: HttpRequest, error: Http404) -> HttpResponse:
    return error_response(404, str(error) or "There is nothing at this address.")


def _http_error(_: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response(error.status_code, WORDS.get(str(error), str(error)))


def _invalid(_: HttpRequest, error: ValidationError) -> HttpResponse:
    return error_response(400, " ".join(sentence(each) for each in error.errors), code="invalid")


def sentence(error: dict[str, Any]) -> str:
    """What pydantic found wrong with one field, as a sentence: ``name: field required.``"""
    # ("body", "payload", "name"): the first two say where our code looked, which tells the caller nothing
    names = [str(part) for part in error["loc"]]
    field = ".".join(names[2:] or names[-1:])
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{field}: {text[:1].lower()}{text[1:].rstrip('.')}."


def _too_big(_: HttpRequest, __: RequestDataTooBig) -> HttpResponse:
    return error_response(413, "The body of this request is too large.")


def _unreadable(_: HttpRequest, __: Exception) -> HttpResponse:
    return error_response(
        400, "The body of this request cannot be read. Was it cut off, or is a header wrong?"
    )


def _denied(_: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return error_response(403, str(error) or "This is not allowed.")


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)  # test clients raise it again
    return error_response(500, "Something went wrong on the server. Its log says what; try again later.")


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    UserError: _user_error,
    Http404: _not_found,
    HttpError: _http_error,
    ValidationError: _invalid,
    RequestDataTooBig: _too_big,
    SuspiciousOperation: _unreadable,
    MultiPartParserError: _unreadable,
    PermissionDenied: _denied,
    Exception: _unexpected,
}


def answer_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """What Ninja would answer, for views of the API that are not Ninja's."""
    handler = next(handler for kind, handler in HANDLERS.items() if isinstance(error, kind))
    return handler(request, error)


def install_error_handlers(api: NinjaAPI) -> None:
    """Have the API answer every exception in the one shape."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
