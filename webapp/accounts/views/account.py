"""Your account: the tokens with which programs may ask your networks."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.forms import TokenForm
from webapp.accounts.models import ApiToken
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import owned


@require_safe
def account(request: AuthenticatedRequest) -> HttpResponse:
    tokens = owned(ApiToken, request.user)
    return render(request, "accounts/account.html", {"tokens": tokens, "form": TokenForm()})
