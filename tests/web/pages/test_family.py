"""The family tree of a network: which decision changed when, and what it gained."""

from __future__ import annotations

from django.test import Client

from tests.web.pages.reading import read
from tests.web.searches.arms import SPACE, changed, family, network
from tests.web.searches.making import running_search
from webapp.accounts.models import User
from webapp.searches.models import Search, Trial
from webapp.searches.views.family import NEAREST


def test_leaderboard_tells_how_the_winner_came_about(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    family(search)
    Search.objects.update(state=Search.State.FINISHED, phase=Search.Phase.DONE)
    text = read(alice_client, f"/searches/{search.pk}/")
    story = text[text.index("How the winner came about") : text.index("Every candidate of this search")]
    assert "Network 2 was changed twice; one of the changes gained more than the noise." in story
    steps = [
        "Network 2 75.0 of 100 A starting design that people drew",
        "Network 3 90.0 of 100 Normal cell, node 1, first operation separable convolution 3×3 became "
        "separable convolution 5×5 +15.0 of 100",
        "Network 4 90.5 of 100 Recipe, learning rate 0.002 became 0.01 +0.5 of 100, within the noise",
    ]
    places = [story.index(step) for step in steps]
    assert places == sorted(places)


def test_each_ancestor_leads_to_its_page(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    family(search)
    page = alice_client.get(f"/searches/{search.pk}/candidates/4/").content.decode()
    tree = page[page.index('<ol class="nw-family">') :]
    for number in (2, 3, 4):
        assert f'href="/searches/{search.pk}/candidates/{number}/"' in tree
    assert "by changing one decision" in read(alice_client, f"/searches/{search.pk}/candidates/4/")


def test_noise_is_judged_without_pairs_where_there_are_none(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    family(search)
    search.trials.update(right="", standard_error=0.05)
    text = read(alice_client, f"/searches/{search.pk}/candidates/3/")
    assert "+15.0 of 100" in text
    assert "+15.0 of 100, within the noise" not in text
    search.trials.update(standard_error=0.1)
    assert "+15.0 of 100, within the noise" in read(alice_client, f"/searches/{search.pk}/candidates/3/")


def test_network_without_a_parent_says_where_it_comes_from(alice_client: Client, alice: User) -> None:
    search = running_search(alice, strategy="evolution")
    family(search)
    vector = changed(SPACE.starts[1], "head.dropout", 2)
    network(search, 100, vector, origin=Trial.Origin.RANDOM)
    network(search, 100, changed(vector, "head.hidden", 2))
    address = f"/searches/{search.pk}/candidates"
    assert "A starting design that people drew" in read(alice_client, f"{address}/2/")
    assert "Drawn at random, to show what the search is worth." in read(alice_client, f"{address}/5/")
    assert "Drawn at random by the search, to begin from." in read(alice_client, f"{address}/6/")
    Search.objects.update(strategy="reinforce")
    text = read(alice_client, f"{address}/6/")
    assert "Proposed by the controller, decision by decision." in text
    assert "How it came about" not in text


def test_long_line_is_folded_in_the_middle(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    family(search)
    vector = tuple(search.trials.get(number=4).vector)
    for number in range(4, 4 + NEAREST + 2):
        vector = changed(vector, "head.dropout", 2 if number % 2 else 0)
        network(search, 150, vector, parent_number=number)
    text = read(alice_client, f"/searches/{search.pk}/candidates/{4 + NEAREST + 2}/")
    assert "4 more generations" in text
    assert text.index("Network 2 75.0") < text.index("4 more generations") < text.index("Network 3 90.0")


def test_stranger_sees_no_family(charlie_client: Client, alice: User) -> None:
    search = running_search(alice)
    family(search)
    assert charlie_client.get(f"/searches/{search.pk}/candidates/4/").status_code == 404
