"""Pause a search, and go on with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches.models import Search
from webapp.searches.pausing import pause_search, resume_search


@require_POST
def pause(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    try:
        pause_search(search)
    except UserError as error:
        messages.error(request, error.message)
    return redirect("searches:detail", pk=pk)


@require_POST
def resume(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    try:
        resume_search(search)
    except UserError as error:
        messages.error(request, error.message)
    return redirect("searches:detail", pk=pk)
