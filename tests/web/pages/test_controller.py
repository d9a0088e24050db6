"""How sure the controller of a search is."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from tests.web.pages.reading import read
from tests.web.searches.arms import family
from tests.web.searches.making import make_search, running_search
from webapp.accounts.models import User
from webapp.searches.models import Search


@pytest.fixture
def search(alice: User) -> Search:
    search = running_search(alice, strategy="reinforce")
    family(search)
    return search


def test_it_says_how_undecided_it_was_and_is(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/controller/")
    found = re.search(
        r"hung between ([\d.]+) equally likely choices on average, after 3 networks between ([\d.]+)", text
    )
    assert found
    assert float(found[1]) >= float(found[2]) > 1


def test_every_decision_is_there_with_its_choices(alice_client: Client, search: Search) -> None:
    answer = alice_client.get(f"/searches/{search.pk}/controller/")
    page = answer.content.decode()
    assert page.count('class="nw-decision-bars"') == 48
    for group in ("Taps", "Structure", "Normal cell", "Reduction cell", "Head", "Recipe"):
        assert f">{group}</h2>" in page
    text = read(alice_client, f"/searches/{search.pk}/controller/")
    assert "Mixup none 50 %" in text.split("Every choice, as a table")[-1]


def test_chances_are_those_along_the_best_network(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/controller/")
    assert "given those above it in network 4 , the best so far" in text


def test_controller_that_learned_nothing_yet_says_so(alice_client: Client, alice: User) -> None:
    search = running_search(alice, strategy="reinforce")
    text = read(alice_client, f"/searches/{search.pk}/controller/")
    assert "It has learned from no network yet" in text
    assert "It is surest of" not in text


def test_it_is_replayed_once_and_then_remembered(
    alice_client: Client, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(alice_client, f"/searches/{search.pk}/controller/")
    monkeypatch.setattr("webapp.searches.sureness.sharpening", None)
    assert read(alice_client, f"/searches/{search.pk}/controller/") == first


def test_what_takes_long_is_worked_out_while_the_page_waits_with_a_sentence(
    alice_client: Client, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr("webapp.searches.sureness.QUICK", 2)
    address = f"/searches/{search.pk}/controller/"
    page = alice_client.get(address).content.decode()
    assert f'hx-get="{address}" hx-trigger="load"' in page
    assert "Working out what the controller thought" in page
    assert "nw-decision-bars" not in page
    part = alice_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.count('class="nw-decision-bars"') == 48
    assert "<html" not in part
    assert part.strip() in alice_client.get(address).content.decode()  # from now on it is there at once


@pytest.mark.parametrize("over", [False, True])
def test_page_of_the_search_leads_there(alice_client: Client, search: Search, over: bool) -> None:
    if over:
        Search.objects.update(state=Search.State.FINISHED, phase=Search.Phase.DONE)
    page = alice_client.get(f"/searches/{search.pk}/").content.decode()
    assert f'href="/searches/{search.pk}/controller/"' in page


@pytest.mark.parametrize("strategy", ["evolution", "auto"])
def test_search_without_a_controller_has_no_such_page(
    alice_client: Client, search: Search, strategy: str
) -> None:
    Search.objects.update(strategy=strategy)
    assert alice_client.get(f"/searches/{search.pk}/controller/").status_code == 404
    assert "/controller/" not in alice_client.get(f"/searches/{search.pk}/").content.decode()


def test_rungs_have_controllers_of_their_own_and_so_none_is_shown(
    alice_client: Client, search: Search
) -> None:
    Search.objects.update(fidelity="halving")
    assert alice_client.get(f"/searches/{search.pk}/controller/").status_code == 404


def test_controller_beside_shared_weights_says_what_it_learns_from(
    alice_client: Client, search: Search
) -> None:
    Search.objects.update(strategy="enas")
    assert "those that the shared weights liked best" in read(
        alice_client, f"/searches/{search.pk}/controller/"
    )


def test_search_that_has_no_plan_yet_has_no_such_page(alice_client: Client, alice: User) -> None:
    search = make_search(alice, strategy="reinforce")
    assert alice_client.get(f"/searches/{search.pk}/controller/").status_code == 404


def test_stranger_gets_404(charlie_client: Client, search: Search) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        answer = charlie_client.get(f"/searches/{search.pk}/controller/", headers=headers)
        assert answer.status_code == 404
