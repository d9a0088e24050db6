"""The HTTP API at /api/v1, one router a resource; its documentation is at /api/v1/docs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, re_path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from webapp.api import datasets, findings, models, pictures, searches, upload_docs, uploads
from webapp.api.auth import SessionAuth, TokenAuth, members_only
from webapp.api.errors import error_response, install_error_handlers

View = Callable[..., HttpResponse]

DESCRIPTION = """
Send an API token with every request: `Authorization: Bearer TOKEN`. Make one on the account page, or with
`python manage.py create_token USERNAME`.

Every error has the same shape: `{"error": {"code": "...", "message": "..."}}`. The code is for programs and
does not change; the message is for people.
"""


def api_view(view: View) -> View:
    """A view of the API: it does its own authentication, and its errors have the one shape."""

    @login_not_required
    @wraps(view, assigned=())
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:  # of Ninja's view at the root, which only serves to name the address
            return no_such_address(request)
        if response.status_code == 405:
            allowed = response["Allow"]
            response = error_response(405, f"This address does not take {request.method}, but {allowed}.")
            response["Allow"] = allowed
        return response

    return answered


def no_such_address(request: HttpRequest) -> HttpResponse:
    """What is not a route gets the API's own 404, not the site's page."""
    return error_response(404, f"There is nothing at {request.path}. The documentation is at /api/v1/docs.")


no_such_address.csrf_exempt = True  # type: ignore[attr-defined]  # else a wrong address is told as a CSRF failure


class Api(NinjaAPI):
    """NinjaAPI under Django's LoginRequiredMiddleware, with an answer for every address below it.

    Uploads by tus are plain views beside Ninja's, documented with them.
    """

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = [*uploads.urlpatterns, *super()._get_urls(), re_path(r"^.*$", no_such_address)]
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = api_view(pattern.callback)
        return patterns

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["paths"] |= upload_docs.PATHS
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="Netwright",
    version="1",
    description=DESCRIPTION + upload_docs.DESCRIPTION,
    urls_namespace="api",
    auth=[TokenAuth(), SessionAuth()],
    docs_decorator=members_only,
)
install_error_handlers(api)
api.add_router("/datasets", datasets.router, tags=["Data sets"])
api.add_router("/datasets", pictures.router, tags=["Pictures and versions"])
api.add_router("/datasets", findings.router, tags=["Findings"])
api.add_router("/searches", searches.router, tags=["Searches"])
api.add_router("/models", models.router, tags=["Models"])
