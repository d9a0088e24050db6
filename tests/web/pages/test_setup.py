"""The first account."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from tests.web.pages.reading import read, words
from webapp.accounts.models import User

ANSWERS = {"code": "CODE-1", "username": "ada", "password": "correct horse battery"}


@pytest.fixture
def code(data_dir: Path) -> None:
    (data_dir / "setup-code").write_text("CODE-1")


@pytest.mark.django_db
def test_it_asks_for_the_code_and_an_account(client: Client) -> None:
    text = read(client, "/setup/")
    assert "Set-up code" in text
    assert "Create account" in text


@pytest.mark.django_db
@pytest.mark.usefixtures("code")
def test_it_makes_the_account_and_logs_in(client: Client) -> None:
    answer = client.post("/setup/", ANSWERS, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "Log out" in words(answer)
    assert User.objects.get().username == "ada"


@pytest.mark.django_db
@pytest.mark.usefixtures("code")
def test_it_says_that_the_code_is_wrong(client: Client) -> None:
    answer = client.post("/setup/", {**ANSWERS, "code": "guess"})
    assert answer.status_code == 400
    assert "This is not the set-up code." in words(answer)
    assert not User.objects.exists()


def test_it_is_over_once_there_is_an_account(client: Client, alice: User) -> None:
    assert client.get("/setup/").status_code == 302
    client.post("/setup/", ANSWERS)
    assert User.objects.get() == alice


@pytest.mark.django_db
def test_every_page_leads_to_it_at_first(client: Client) -> None:
    assert client.get("/datasets/").headers["Location"] == "/setup/"
