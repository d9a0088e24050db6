"""In and out."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView

from webapp.accounts.forms import LoginForm

login = LoginView.as_view(
    template_name="accounts/login.html", authentication_form=LoginForm, redirect_authenticated_user=True
)
logout = LogoutView.as_view()
