"""The list of data sets."""

from __future__ import annotations

from django.test import Client

from tests.web.factories import make_dataset, make_version
from tests.web.pages.reading import read
from webapp.accounts.models import User
from webapp.datasets.models import Dataset


def test_it_says_how_to_begin(alice_client: Client) -> None:
    text = read(alice_client, "/datasets/")
    assert "No data sets yet" in text
    assert "Use the sample data set" in text


def test_it_lists_each_with_its_state(alice_client: Client, alice: User) -> None:
    make_version(alice, labels=("a", "b", "c"))
    make_dataset(alice, name="Leaves", state=Dataset.State.IMPORTING)
    text = read(alice_client, "/datasets/")
    assert "30 pictures · 3 labels" in text
    assert "Leaves Importing" in text


def test_stranger_sees_none(charlie_client: Client, alice: User) -> None:
    make_dataset(alice, name="Leaves")
    assert "Leaves" not in read(charlie_client, "/datasets/")
