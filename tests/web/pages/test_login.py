"""In and out."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.conftest import PASSWORD
from tests.web.pages.reading import read, words
from webapp.accounts.models import User

PAGES = [
    "/",
    "/account/",
    "/datasets/",
    "/datasets/new/",
    "/searches/1/",
    "/models/1/",
    "/pictures/1/original/",
]


def test_it_lets_in_and_leads_on(client: Client, alice: User) -> None:
    answer = client.post("/login/", {"username": "alice", "password": PASSWORD, "next": "/datasets/"})
    assert answer.headers["Location"] == "/datasets/"
    assert "Data sets" in read(client, "/datasets/")


def test_it_says_that_something_is_wrong(client: Client, alice: User) -> None:
    answer = client.post("/login/", {"username": "alice", "password": "wrong"})
    assert "No account has this user name and password." in words(answer)


def test_it_does_not_lead_away_from_the_site(client: Client, alice: User) -> None:
    form = {"username": "alice", "password": PASSWORD, "next": "https://example.org/"}
    assert client.post("/login/", form).headers["Location"] == "/"


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_shown_without(client: Client, alice: User, address: str) -> None:
    assert client.get(address).headers["Location"] == f"/login/?next={address}"


def test_logging_out_ends_it(alice_client: Client) -> None:
    alice_client.post("/logout/")
    assert alice_client.get("/datasets/").status_code == 302
