"""The home page."""

from __future__ import annotations

from django.test import Client

from tests.web.factories import imported_dataset, make_dataset
from tests.web.pages.reading import read
from tests.web.searches.making import add_trial, make_search, running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.searches.models import Search


def test_it_shows_three_steps_at_first(alice_client: Client) -> None:
    text = read(alice_client, "/")
    for step in ("Gather pictures", "Press Train", "Use the network"):
        assert step in text
    assert "Use the sample data set" in text


def test_it_shows_what_is_running_and_how_good_it_is(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    add_trial(search, accuracy=0.3)
    add_trial(search, accuracy=0.91)
    text = read(alice_client, "/")
    assert "Under way" in text
    assert "91 of 100 right so far" in text
    assert "2 tried" in text


def test_it_shows_models_with_their_figure(alice_client: Client, alice: User) -> None:
    make_model(alice)
    text = read(alice_client, "/")
    assert "90 of 100 right between 70 and 97" in text
    assert "Under way" not in text


def test_it_says_that_a_model_is_not_final(alice_client: Client, alice: User) -> None:
    make_model(alice, search=running_search(alice), final=False)
    text = read(alice_client, "/")
    assert "85 of 100 right so far" in text
    assert "Best so far" in text


def test_it_shows_data_sets_with_pictures(alice_client: Client, alice: User) -> None:
    imported_dataset(alice, name="Bottles")
    make_dataset(alice, name="Broken", state=Dataset.State.FAILED)
    answer = alice_client.get("/").content.decode()
    assert answer.count("/thumbnail/") == 4
    text = read(alice_client, "/")
    assert "Bottles" in text
    assert "16 pictures · 2 labels" in text
    assert "The last upload failed" in text


def test_it_shows_searches_that_left_no_model(alice_client: Client, alice: User) -> None:
    make_search(alice, state=Search.State.FAILED)
    assert "Searches without a model" in read(alice_client, "/")


def test_stranger_sees_nothing_of_it(charlie_client: Client, alice: User) -> None:
    make_model(alice)
    running_search(alice)
    text = read(charlie_client, "/")
    assert "Colours" not in text
    assert "Gather pictures" in text
