"""Deleting a search with its model, after a question."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches import services
from webapp.searches.models import Search


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    if request.method != "POST":
        return render(request, "searches/delete.html", {"search": search})
    services.delete_search(search)
    messages.success(request, "The search and its model were deleted.")
    return redirect("home")
