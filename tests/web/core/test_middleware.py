"""Limits, headers, and the way to the set-up page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from webapp.accounts.models import User
from webapp.core import middleware
from webapp.core.http import SILENCE_SECONDS


def answer(response: HttpResponse) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: response


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/")


def test_pages_may_only_use_what_is_our_own(request_: HttpRequest) -> None:
    response = middleware.SecurityHeadersMiddleware(answer(HttpResponse("page")))(request_)
    policy = response["Content-Security-Policy"].split("; ")
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "camera=(self)" in response["Permissions-Policy"]


@pytest.mark.parametrize("response", [HttpResponse("page"), JsonResponse({})])
def test_pages_and_json_stay_out_of_caches(request_: HttpRequest, response: HttpResponse) -> None:
    assert (
        middleware.SecurityHeadersMiddleware(answer(response))(request_)["Cache-Control"]
        == "private, no-store"
    )


def test_a_view_may_set_its_own_headers(request_: HttpRequest) -> None:
    own = HttpResponse(headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "sandbox"})
    response = middleware.SecurityHeadersMiddleware(answer(own))(request_)
    assert (response["Cache-Control"], response["Content-Security-Policy"]) == ("max-age=60", "sandbox")


def test_pictures_may_be_cached(request_: HttpRequest) -> None:
    picture = HttpResponse(b"", content_type="image/webp")
    assert "Cache-Control" not in middleware.SecurityHeadersMiddleware(answer(picture))(request_)


def upload_of(size: int) -> HttpRequest:
    return RequestFactory().post("/", CONTENT_LENGTH=str(size))


def test_a_body_over_the_limit_is_refused_unread(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10 * 1024**3
    limited = middleware.RequestLimitMiddleware(answer(HttpResponse("read")))
    assert limited(upload_of(1000)).content == b"read"
    response = limited(upload_of(11 * 1024**3))
    assert response.status_code == 413
    assert b"at most 10 GB" in response.content


def test_a_body_that_the_disk_has_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(free=middleware.DISK_RESERVE + 5 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    limited = middleware.RequestLimitMiddleware(answer(HttpResponse("read")))
    assert limited(upload_of(4 * 1024**2)).content == b"read"
    response = limited(upload_of(6 * 1024**2))
    assert response.status_code == 507
    assert b"disk_full" in response.content


def test_a_refused_body_is_heard_out_so_that_the_client_hears_why() -> None:
    request = RequestFactory().post("/", b"x" * 1000, content_type="image/png")
    refused = middleware.RequestLimitMiddleware(answer(HttpResponse("no", status=401)))
    assert refused(request).status_code == 401
    assert request.read() == b""


def test_a_refused_body_that_never_comes_holds_no_thread_for_ever() -> None:
    timeouts: list[float | None] = []
    socket = SimpleNamespace(gettimeout=lambda: None, settimeout=timeouts.append)
    request = RequestFactory().post("/", b"x", content_type="image/png")
    request.META["gunicorn.socket"] = socket
    middleware.RequestLimitMiddleware(answer(HttpResponse("no", status=460)))(request)
    assert timeouts == [SILENCE_SECONDS, None]


def test_a_body_without_a_length_is_refused_with_the_reason() -> None:
    request = RequestFactory().post("/", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    response = middleware.RequestLimitMiddleware(answer(HttpResponse("read")))(request)
    assert response.status_code == 411
    assert b"Content-Length" in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/login/", "/datasets/", "/api"])
def test_while_nobody_has_an_account_pages_lead_to_set_up(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, "/setup/")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/setup/", "/static/app.css", "/healthz", "/api/v1/datasets"])
def test_some_addresses_answer_before_set_up(path: str) -> None:
    first_run = middleware.FirstRunMiddleware(answer(HttpResponse("answered")))
    assert first_run(RequestFactory().get(path)).content == b"answered"


def test_once_somebody_has_an_account_nobody_asks_again(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first_run = middleware.FirstRunMiddleware(answer(HttpResponse("page")))
    with django_assert_num_queries(1):
        for _ in range(3):
            assert first_run(RequestFactory().get("/")).content == b"page"


def test_nothing_is_reachable_without_logging_in(alice: User, client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")
