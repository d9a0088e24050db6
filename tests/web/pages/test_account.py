"""API tokens on the account page."""

from __future__ import annotations

import re

from django.test import Client

from tests.web.pages.reading import read, words
from webapp.accounts.models import ApiToken, User
from webapp.accounts.services import create_token, find_token

TOKEN = re.compile(r"nw_[\w-]{40}")


def test_it_offers_to_make_the_first_token(alice_client: Client) -> None:
    text = read(alice_client, "/account/")
    assert "alice" in text
    assert "Make a token" in text
    assert "Revoke" not in text


def test_token_is_shown_once(alice_client: Client, alice: User) -> None:
    answer = alice_client.post("/account/tokens/", {"name": "my script"})
    [plain] = set(TOKEN.findall(words(answer)))
    token = find_token(plain)
    assert token is not None
    assert token.owner == alice
    text = read(alice_client, "/account/")
    assert "my script" in text
    assert not TOKEN.search(text)


def test_token_comes_as_a_part_of_a_page_for_htmx(alice_client: Client) -> None:
    answer = alice_client.post("/account/tokens/", {"name": "x"}, headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b'data-new-token="nw_' in answer.content


def test_token_without_a_name_is_refused(alice_client: Client) -> None:
    assert alice_client.post("/account/tokens/", {"name": " "}).status_code == 400
    assert not ApiToken.objects.exists()


def test_revoked_token_is_gone(alice_client: Client, alice: User) -> None:
    token, plain = create_token(owner=alice, name="old")
    alice_client.post(f"/account/tokens/{token.pk}/revoke/")
    assert find_token(plain) is None
    assert "no longer works" in read(alice_client, "/account/")


def test_stranger_sees_and_revokes_nothing(charlie_client: Client, alice: User) -> None:
    token, plain = create_token(owner=alice, name="hers")
    assert "hers" not in read(charlie_client, "/account/")
    assert charlie_client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert find_token(plain) is not None
