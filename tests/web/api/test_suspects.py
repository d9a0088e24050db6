"""The labels that look wrong, over HTTP and on the model's page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.datasets.test_opinions import lines_of
from tests.web.factories import make_version
from tests.web.pages.reading import read
from tests.web.searches.making import make_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.datasets.models import Finding
from webapp.datasets.opinions import record_opinions
from webapp.searches.models import Search
from webapp.trained.models import TrainedModel

Suspected = Callable[[int], TrainedModel]


@pytest.fixture
def suspected(alice: User) -> Suspected:
    """A model of alice's to which so many labels look wrong."""

    def make(count: int) -> TrainedModel:
        version = make_version(alice)
        model = make_model(alice, search=make_search(alice, version=version, state=Search.State.FINISHED))
        record_opinions(version, model.search_id, lines_of(version, count))
        return model

    return make


def address(model: TrainedModel) -> str:
    return f"/api/v1/datasets/{model.search.version.dataset_id}/suspects"


def test_the_owner_gets_the_most_suspect_first(alice_api: Client, suspected: Suspected) -> None:
    model = suspected(3)
    answer = alice_api.get(address(model))
    assert answer.status_code == 200
    first, second, third = answer.json()
    picture = first.pop("picture")
    assert first == {
        "file": "green/0.png",
        "split": "train",
        "label": "green",
        "likeliest": "red",
        "probability": 0.99,
        "own": 0.01,
        "suspicion": 0.99,
    }
    assert model.search.version.dataset.images.get(pk=picture).name == "green/0.png"
    assert first["suspicion"] > second["suspicion"] > third["suspicion"]


def test_before_the_first_search_there_are_none(alice_api: Client, alice: User) -> None:
    answer = alice_api.get(f"/api/v1/datasets/{make_version(alice).dataset_id}/suspects")
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_stranger_is_told_that_there_is_no_such_data_set(charlie_api: Client, suspected: Suspected) -> None:
    model = suspected(3)
    assert charlie_api.get(address(model)).status_code == 404
    assert charlie_api.get("/api/v1/datasets/999999/suspects").status_code == 404
    assert charlie_api.get("/api/v1/datasets/abc/suspects").status_code == 404


def test_somebody_without_a_key_is_refused(client: Client, suspected: Suspected) -> None:
    assert client.get(address(suspected(3))).status_code == 401


def test_the_models_page_shows_them_with_both_labels(alice_client: Client, suspected: Suspected) -> None:
    model = suspected(4)
    text = read(alice_client, f"/models/{model.pk}/")
    assert "Labels that look wrong About 4 labels look wrong to models" in text
    assert "labelled green looks like red 99.0 % sure" in text
    page = alice_client.get(f"/models/{model.pk}/").content.decode()
    dataset = model.search.version.dataset_id
    assert f'href="/datasets/{dataset}/?tab=pictures&amp;sort=suspicion"' in page
    pictures = Finding.objects.get().images.all()
    assert all(f'src="/pictures/{picture.pk}/thumbnail/"' in page for picture in pictures)


def test_a_model_that_suspects_nothing_or_is_older_shows_none(
    alice_client: Client, alice: User, suspected: Suspected
) -> None:
    assert "Labels that look wrong" not in read(alice_client, f"/models/{suspected(0).pk}/")
    older = suspected(4)
    version = older.search.version
    record_opinions(version, older.search_id + 1000, lines_of(version, 4))
    assert "Labels that look wrong" not in read(alice_client, f"/models/{older.pk}/")


def test_a_stranger_does_not_see_the_page(charlie_client: Client, suspected: Suspected) -> None:
    read(charlie_client, f"/models/{suspected(4).pk}/", status=404)
