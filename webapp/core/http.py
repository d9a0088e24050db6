"""Requests: those whose user is known to be logged in, and those whose connection falls silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from webapp.accounts.models import User

SILENCE_SECONDS = (
    30.0  # of a connection that broke without a word; until then it holds a thread, and any lock
)


class AuthenticatedRequest(HttpRequest):
    """What views get: LoginRequiredMiddleware has already turned away everybody else."""

    user: User
    htmx: HtmxDetails


@contextmanager
def impatient(request: HttpRequest) -> Iterator[None]:
    """Give a connection up that has been silent for long; a socket of gunicorn's would wait for ever."""
    socket = request.META.get("gunicorn.socket")
    if socket is None:
        yield
        return
    before = socket.gettimeout()
    socket.settimeout(SILENCE_SECONDS)
    try:
        yield
    finally:
        socket.settimeout(before)
