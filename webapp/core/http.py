"""A request whose user is known to be logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from webapp.accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """What views get: LoginRequiredMiddleware has already turned away everybody else."""

    user: User
    htmx: HtmxDetails
