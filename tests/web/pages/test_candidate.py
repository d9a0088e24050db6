"""One candidate of a search."""

from __future__ import annotations

import random

import pytest
from django.test import Client

from search_engine.space.architecture import Trunk
from search_engine.space.hybrid import HybridSpace
from tests.web.pages.reading import read
from tests.web.searches.making import add_trial, running_search
from webapp.accounts.models import User
from webapp.searches.models import Search, Trial


@pytest.fixture
def search(alice: User) -> Search:
    search = running_search(alice)
    space = HybridSpace(Trunk("efficientnet_lite0", 128))
    genome = space.decode(space.sample(random.Random(0))).to_dict()
    add_trial(search, accuracy=0.25)
    add_trial(search, accuracy=0.8)
    trial = add_trial(search, accuracy=0.87, latency_ms=15.0, genome=genome)
    trial.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.6, seconds=1.0)
    trial.epoch_rows.create(number=2, train_loss=0.5, accuracy=0.87, seconds=1.0)
    add_trial(search, state=Trial.State.FAILED, error="It ran out of memory.")
    return search


def test_it_shows_figures_drawing_and_training(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/candidates/2/")
    assert "87.0 %" in text
    assert "15.0 ms" in text
    assert "Best after pass 2: right on 87.0 of 100" in text
    assert '"learning_rate"' in text
    page = alice_client.get(f"/searches/{search.pk}/candidates/2/").content
    assert b'<svg class="nw-arch"' in page


def test_control_without_network_has_no_drawing(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/candidates/0/")
    assert "A control: what every network has to beat." in text
    assert "How it is built" not in text
    assert alice_client.get(f"/searches/{search.pk}/candidates/0/architecture.svg").status_code == 404


def test_ensemble_says_who_answers(alice_client: Client, search: Search) -> None:
    add_trial(search, kind="ensemble", origin="finish", accuracy=0.9, members=[[2, 0.75], [1, 0.25]])
    number = search.trials.get(kind="ensemble").number
    text = read(alice_client, f"/searches/{search.pk}/candidates/{number}/")
    assert "Several networks that answer together: the mean of what they say." in text
    assert "Network 2 75.0 % 87.0" in text
    assert "Plain transfer learning 25.0 % 80.0" in text


def test_ensemble_of_one_and_refit_say_what_they_are(alice_client: Client, search: Search) -> None:
    add_trial(search, kind="ensemble", origin="finish", accuracy=None, members=[[2, 1.0]])
    add_trial(search, kind="refit", origin="finish", accuracy=None, parent_number=2)
    alone, refit = search.trials.order_by("number").values_list("number", flat=True)[4:6]
    text = read(alice_client, f"/searches/{search.pk}/candidates/{alone}/")
    assert "Networks were tried together, and none were better so." in text
    text = read(alice_client, f"/searches/{search.pk}/candidates/{refit}/")
    assert "Network 2 again, which learned from the validation pictures, too." in text


def test_failed_candidate_says_why(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/candidates/3/")
    assert "It could not be trained. It ran out of memory." in text


def test_drawing_comes_alone(alice_client: Client, search: Search) -> None:
    answer = alice_client.get(f"/searches/{search.pk}/candidates/2/architecture.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<svg")


def test_number_that_was_never_tried_is_a_404(alice_client: Client, search: Search) -> None:
    assert alice_client.get(f"/searches/{search.pk}/candidates/99/").status_code == 404


@pytest.mark.parametrize("part", ["", "architecture.svg"])
def test_stranger_gets_404(charlie_client: Client, search: Search, part: str) -> None:
    assert charlie_client.get(f"/searches/{search.pk}/candidates/2/{part}").status_code == 404
