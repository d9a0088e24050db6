"""A search that is over."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from tests.web.pages.reading import read
from tests.web.searches.making import add_trial, make_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.searches.models import Search, Trial


def finished_search(owner: User) -> Search:
    """Asked for two minutes, over after one and a half."""
    now = timezone.now()
    search = make_search(
        owner,
        state=Search.State.FINISHED,
        phase=Search.Phase.DONE,
        started_at=now - timedelta(seconds=90),
        finished_at=now,
    )
    add_trial(search, accuracy=0.25)
    add_trial(search, accuracy=0.8, latency_ms=12.34, size_bytes=13_600_000, parameters=3_400_000)
    add_trial(search, accuracy=0.85, standard_error=0.02, latency_ms=15.0)
    add_trial(search, accuracy=0.91, standard_error=0.015, latency_ms=17.0)
    add_trial(search, accuracy=0.83, origin=Trial.Origin.RANDOM)
    add_trial(search, state=Trial.State.FAILED, error="It ran out of memory.")
    return search


def test_candidates_are_ranked_with_their_figures(alice_client: Client, alice: User) -> None:
    text = read(alice_client, f"/searches/{finished_search(alice).pk}/").split("Drawing ")[1]
    names = ["Network 3", "Network 2", "Network 4", "Plain transfer learning", "Always naming", "Network 5"]
    places = [text.index(name) for name in names]
    assert places == sorted(places)
    assert "Network 3 91.0 ± 1.5 Search" in text
    assert "3.4 million 12.3 ms 13.6 MB" in text
    assert "Network 5 Failed Search" in text


def test_it_says_what_the_search_was_worth(alice_client: Client, alice: User) -> None:
    text = read(alice_client, f"/searches/{finished_search(alice).pk}/")
    assert "5 candidates tried in 1 minute 30 seconds. Network 3 did best: right on 91 of 100" in text
    assert "The search 91.0 %" in text
    assert "Random networks 83.0 %" in text
    assert "Plain transfer learning 80.0 %" in text


def test_it_leads_to_the_model(alice_client: Client, alice: User) -> None:
    model = make_model(alice, search=finished_search(alice))
    page = alice_client.get(f"/searches/{model.search_id}/").content.decode()
    assert f'href="/models/{model.pk}/"' in page
    assert "Open the model" in page


def test_failed_search_says_why_and_what_now(alice_client: Client, alice: User) -> None:
    search = make_search(alice, state=Search.State.FAILED, error="The disk is full. Free some space.")
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "The search failed" in text
    assert "The disk is full. Free some space." in text
    assert "Nothing was tried" in text
    assert "Train again" in text


def test_stopped_search_says_that_the_best_was_kept(alice_client: Client, alice: User) -> None:
    search = finished_search(alice)
    Search.objects.update(state=Search.State.CANCELLED)
    make_model(alice, search=search)
    assert "Stopped, best kept" in read(alice_client, f"/searches/{search.pk}/")


def test_stranger_gets_404(charlie_client: Client, alice: User) -> None:
    assert charlie_client.get(f"/searches/{finished_search(alice).pk}/").status_code == 404
