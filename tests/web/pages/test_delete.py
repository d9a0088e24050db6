"""Deleting data sets, searches and models: first a question, then it is done."""

from __future__ import annotations

import pytest
from django.db.models import Model
from django.test import Client

from tests.web.factories import make_dataset
from tests.web.pages.reading import read, words
from tests.web.searches.making import make_search, running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.searches.models import Search


def deletable(kind: str, owner: User) -> tuple[Model, str]:
    """Something to delete, and the address of the question."""
    if kind == "dataset":
        dataset = make_dataset(owner)
        return dataset, f"/datasets/{dataset.pk}/delete/"
    if kind == "search":
        search = make_search(owner, state=Search.State.FINISHED)
        return search, f"/searches/{search.pk}/delete/"
    model = make_model(owner)
    return model, f"/models/{model.pk}/delete/"


KINDS = pytest.mark.parametrize("kind", ["dataset", "search", "model"])


@KINDS
def test_it_asks_first(alice_client: Client, alice: User, kind: str) -> None:
    row, address = deletable(kind, alice)
    assert "This cannot be undone." in read(alice_client, address)
    row.refresh_from_db()


@KINDS
def test_it_deletes_and_says_so(alice_client: Client, alice: User, kind: str) -> None:
    row, address = deletable(kind, alice)
    assert "deleted" in words(alice_client.post(address, follow=True))
    assert not type(row)._default_manager.filter(pk=row.pk).exists()


@KINDS
def test_stranger_deletes_nothing(charlie_client: Client, alice: User, kind: str) -> None:
    row, address = deletable(kind, alice)
    assert charlie_client.post(address).status_code == 404
    row.refresh_from_db()


def test_data_set_that_is_trained_on_is_kept_with_a_reason(alice_client: Client, alice: User) -> None:
    dataset = running_search(alice).version.dataset
    answer = alice_client.post(f"/datasets/{dataset.pk}/delete/", follow=True)
    assert "Stop it first" in words(answer)
    dataset.refresh_from_db()


def test_model_that_is_worked_on_is_kept_with_a_reason(alice_client: Client, alice: User) -> None:
    model = make_model(alice, search=running_search(alice), final=False)
    answer = alice_client.post(f"/models/{model.pk}/delete/", follow=True)
    assert "Stop the search first" in words(answer)
    model.refresh_from_db()
