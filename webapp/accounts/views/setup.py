"""The first account, against the code that the terminal printed."""

from __future__ import annotations

from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from webapp.accounts import services
from webapp.accounts.forms import SetupForm
from webapp.core.errors import UserError


@login_not_required
@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    if auth.get_user_model().objects.exists():
        return redirect("home")
    form = SetupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.create_first_user(**form.cleaned_data)
        except UserError as error:
            form.add_error(None, error.message)
        else:
            auth.login(request, user)
            return redirect("home")
    return render(request, "accounts/setup.html", {"form": form}, status=400 if form.errors else 200)
