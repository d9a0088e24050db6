"""Who calls the API: the holder of a token, or somebody who is logged in to the site."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from webapp.accounts.models import User
from webapp.accounts.services import find_token
from webapp.api.errors import UNAUTHORIZED, error_response


class TokenAuth(HttpBearer):
    """``Authorization: Bearer TOKEN``. A wrong token is refused, even from somebody who is logged in."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        found = find_token(token.strip())
        if found is None:
            raise AuthenticationError(
                message="This API token is not valid. Make a new one on the account page."
            )
        request.user = found.owner  # views read request.user, whichever way it came
        return found.owner


class SessionAuth(APIKeyCookie):
    """The site's own session; whatever changes something needs the CSRF token, too."""

    param_name = settings.SESSION_COOKIE_NAME

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise HttpError(403, "The CSRF token is missing or wrong. Reload the page, or use an API token.")
        return request.user


def members_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the API's documentation: a session or a token, else the way to the log-in page."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        try:
            if TokenAuth()(request):
                return view(request, *args, **kwargs)
        except AuthenticationError as error:
            return error_response(401, str(error))
        if request.accepts("text/html") and "json" not in request.path:
            return redirect_to_login(request.get_full_path())
        return error_response(401, UNAUTHORIZED)

    return checked
