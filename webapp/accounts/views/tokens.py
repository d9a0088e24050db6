"""Making and taking back API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from webapp.accounts import services
from webapp.accounts.forms import TokenForm
from webapp.accounts.models import ApiToken
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned


@sensitive_variables("plain")
@require_POST
def create(request: AuthenticatedRequest) -> HttpResponse:
    """Shows the token in the answer itself, because it is kept nowhere and cannot be shown again."""
    form = TokenForm(request.POST)
    plain = ""
    if form.is_valid():
        _, plain = services.create_token(owner=request.user, name=form.cleaned_data["name"])
    context = {
        "form": TokenForm() if plain else form,
        "plain": plain,
        "tokens": owned(ApiToken, request.user),
    }
    template = "accounts/_new_token.html" if request.htmx else "accounts/account.html"
    return render(request, template, context, status=200 if plain else 400)


@require_POST
def revoke(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    token = get_owned(ApiToken, request.user, pk=pk)
    services.delete_token(token=token)
    messages.success(request, f"The token “{token.name}” no longer works.")
    return redirect("accounts:account")
