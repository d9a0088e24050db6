"""The form that starts a search."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.factories import make_dataset, make_version
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.searches.models import Search


def test_it_offers_budgets(alice_client: Client, alice: User) -> None:
    version = make_version(alice)
    text = read(alice_client, f"/datasets/{version.dataset_id}/train/")
    for words_ in ("Quick look 2 min", "Good 10 min", "Best 1 hour", "Other Minutes", "Start training"):
        assert words_ in text
    assert "20 pictures with 2 labels" in text


@pytest.mark.parametrize(
    ("form", "minutes", "seed"),
    [
        ({"budget": "10"}, 10, 0),
        ({"budget": "other", "minutes": "3.5", "seed": "7"}, 3.5, 7),
        ({"budget": "2", "minutes": "99"}, 2, 0),
    ],
)
def test_it_starts_a_search(
    alice_client: Client, alice: User, form: dict[str, str], minutes: float, seed: int
) -> None:
    version = make_version(alice)
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    search = Search.objects.get()
    assert answer.headers["Location"] == f"/searches/{search.pk}/"
    assert (search.budget_minutes, search.seed, search.version) == (minutes, seed, version)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"budget": "other"}, "Say how many minutes the search may take."),
        ({"budget": "other", "minutes": "0.1"}, "The budget must be between half a minute"),
    ],
)
def test_it_refuses_odd_budgets(
    alice_client: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    version = make_version(alice)
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert not Search.objects.exists()


def test_it_says_what_the_pictures_lack(alice_client: Client, alice: User) -> None:
    version = make_version(alice, labels=("only",))
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", {"budget": "2"})
    assert "it needs at least two" in words(answer)


def test_it_sends_back_who_has_no_pictures(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    assert "There are no pictures to learn from yet" in read(alice_client, f"/datasets/{dataset.pk}/train/")


def test_stranger_gets_404(charlie_client: Client, alice: User) -> None:
    version = make_version(alice)
    assert charlie_client.get(f"/datasets/{version.dataset_id}/train/").status_code == 404
    assert charlie_client.post(f"/datasets/{version.dataset_id}/train/", {"budget": "2"}).status_code == 404
