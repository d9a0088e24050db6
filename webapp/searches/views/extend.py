"""Give a search more minutes, also one that is over."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.searches.extending import extend_search
from webapp.searches.forms import MinutesForm
from webapp.searches.models import Search
from webapp.searches.narration import minutes_in_words


@require_POST
def extend(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    search = get_owned(Search, request.user, pk=pk)
    form = MinutesForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say how many minutes to add, as a number.")
        return redirect("searches:detail", pk=pk)
    minutes, was_over = form.cleaned_data["minutes"], search.is_over
    try:
        extend_search(search, minutes)
    except UserError as error:
        messages.error(request, error.message)
    else:
        words = minutes_in_words(minutes)
        text = f"The search goes on for {words} more." if was_over else f"The search has {words} more."
        messages.success(request, text)
    return redirect("searches:detail", pk=pk)
