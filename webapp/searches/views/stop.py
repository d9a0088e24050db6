"""Stop and keep the best."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches import services
from webapp.searches.models import Search


@require_POST
def stop(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    services.stop_search(search)
    if not search.is_over:
        messages.success(request, "The search is stopping. The best network so far is being finished.")
    return redirect("searches:detail", pk=pk)
