from __future__ import annotations

from django.urls import path

from webapp.accounts.views.account import account
from webapp.accounts.views.login import login, logout
from webapp.accounts.views.setup import setup
from webapp.accounts.views.tokens import create, revoke

app_name = "accounts"
urlpatterns = [
    path("setup/", setup, name="setup"),
    path("login/", login, name="login"),
    path("logout/", logout, name="logout"),
    path("account/", account, name="account"),
    path("account/tokens/", create, name="token_create"),
    path("account/tokens/<int:pk>/revoke/", revoke, name="token_revoke"),
]
