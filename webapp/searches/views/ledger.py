from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches.ledger import ledger_of
from webapp.searches.models import Search

TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}


@require_safe
def ledger(request: AuthenticatedRequest, pk: int, form: str) -> HttpResponse:
    """Everything that was tried, as JSON lines or as a table."""
    search = get_owned(Search, request.user, pk=pk)
    try:
        found = ledger_of(search)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("searches:detail", pk=pk)
    text = found.csv() if form == "csv" else "".join(found.lines())
    response = HttpResponse(text, content_type=f"{TYPES[form]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="search-{pk}.{form}"'
    return response
