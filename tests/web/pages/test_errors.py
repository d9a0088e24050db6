"""The pages that stand in for another, and the frame of all."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.core import health
from webapp.core.views.errors import forbidden, server_error


def test_wrong_address_says_what_to_do(alice_client: Client) -> None:
    text = read(alice_client, "/nothing/here/", status=404)
    assert "There is nothing at this address" in text
    assert "Go to the home page" in text


def test_broken_page_says_that_the_data_is_safe() -> None:
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Your pictures and networks are as they were" in words(answer)


def test_forbidden_page_is_designed(alice: User) -> None:
    request = RequestFactory().get("/")
    request.user = alice
    answer = forbidden(request, PermissionError())
    assert answer.status_code == 403
    assert "You may not see this" in words(answer)


def test_form_from_an_old_page_says_to_load_it_again(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/datasets/sample/")
    assert answer.status_code == 403
    assert "This page was open too long" in words(answer)


@pytest.mark.parametrize("address", ["/", "/datasets/", "/account/"])
def test_every_page_can_be_used_by_keyboard_and_screen_reader(alice_client: Client, address: str) -> None:
    page = alice_client.get(address).content.decode()
    assert '<html lang="en">' in page
    assert 'href="#main"' in page
    assert page.count("<h1") == 1
    assert page.count("<main") == 1


def test_drawings_are_hidden_from_screen_readers() -> None:
    for name in ("pictures", "search", "model", "broken", "table"):
        assert 'aria-hidden="true"' in render_to_string("components/drawing.html", {"drawing": name})


@pytest.mark.parametrize(("well", "status"), [(True, 200), (False, 503)])
@pytest.mark.django_db
def test_health_is_told_to_anybody(
    client: Client, monkeypatch: pytest.MonkeyPatch, *, well: bool, status: int
) -> None:
    monkeypatch.setattr(health, "check", lambda: {"ok": well})
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (status, {"ok": well})
