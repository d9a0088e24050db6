"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class SetupForm(forms.Form):
    """The first account. The code proves that whoever sits here also sees the server's terminal."""

    code = forms.CharField(
        label="Set-up code",
        help_text="The terminal in which Netwright was started has printed it.",
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )
    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label="Password",
        help_text="At least 8 characters, and not one of the common ones.",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class LoginForm(AuthenticationForm):
    """Name and password; the error never says which of the two was wrong."""

    error_messages = {
        "invalid_login": "No account has this user name and password. Check both; capitals matter.",
        "inactive": "This account is switched off.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"  # as on the set-up page; Django takes it from the model


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label="Name", help_text="What will use it, to know it by later.", max_length=80, initial="API token"
    )
