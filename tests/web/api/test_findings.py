"""Findings over HTTP."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.engine.data.scenes import scene
from tests.web.datasets.test_diagnosing import png, scenes
from tests.web.factories import imported_dataset
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Finding


@pytest.fixture
def dataset(alice: User) -> Dataset:
    files = scenes("cat", "dog") | {"owl/1.png": png(scene(700))}
    return imported_dataset(alice, files=files | {"dog/copy.png": files["dog/2.png"]})


def test_it_lists_what_was_found(alice_api: Client, dataset: Dataset) -> None:
    answer = alice_api.get(f"/api/v1/datasets/{dataset.pk}/findings").json()
    copies = next(each for each in answer if each["kind"] == "exact_duplicate")
    assert copies.keys() == {"id", "kind", "severity", "state", "files", "message"}
    assert copies["files"] == ["dog/2.png", "dog/copy.png"]
    assert (copies["severity"], copies["state"]) == ("note", "open")
    assert copies["message"].endswith(".")
    assert {each["kind"] for each in answer} == {"exact_duplicate", "too_few"}


def test_it_filters_by_kind_and_state(alice_api: Client, dataset: Dataset) -> None:
    address = f"/api/v1/datasets/{dataset.pk}/findings"
    assert [each["kind"] for each in alice_api.get(f"{address}?kind=too_few").json()] == ["too_few"]
    assert alice_api.get(f"{address}?state=ignored").json() == []
    assert len(alice_api.get(f"{address}?state=open").json()) == 2


@pytest.mark.parametrize("query", ["kind=nonsense", "state=nonsense"])
def test_it_says_what_can_be_asked_for(alice_api: Client, dataset: Dataset, query: str) -> None:
    answer = alice_api.get(f"/api/v1/datasets/{dataset.pk}/findings?{query}")
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


def test_it_ignores_and_reopens(alice_api: Client, dataset: Dataset) -> None:
    finding = dataset.findings.get(kind="too_few")
    address = f"/api/v1/datasets/{dataset.pk}/findings/{finding.pk}"
    assert alice_api.post(f"{address}/ignore").json()["state"] == "ignored"
    assert alice_api.post(f"{address}/ignore").json()["state"] == "ignored"
    assert alice_api.post(f"{address}/reopen").json()["state"] == "open"


def test_what_is_mended_cannot_be_ignored(alice_api: Client, dataset: Dataset) -> None:
    dataset.findings.update(state=Finding.State.FIXED)
    finding = dataset.findings.first()
    assert finding is not None
    answer = alice_api.post(f"/api/v1/datasets/{dataset.pk}/findings/{finding.pk}/ignore")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "mended"


def test_a_stranger_gets_404(charlie_api: Client, charlie: User, dataset: Dataset) -> None:
    finding = dataset.findings.first()
    assert finding is not None
    own = imported_dataset(charlie, files=scenes("cat", "dog"))
    assert charlie_api.get(f"/api/v1/datasets/{dataset.pk}/findings").status_code == 404
    for theirs in (dataset.pk, own.pk):
        for move in ("ignore", "reopen"):
            address = f"/api/v1/datasets/{theirs}/findings/{finding.pk}/{move}"
            assert charlie_api.post(address).status_code == 404
    finding.refresh_from_db()
    assert finding.state == Finding.State.OPEN


def test_without_a_token_there_is_nothing(client: Client, dataset: Dataset) -> None:
    assert client.get(f"/api/v1/datasets/{dataset.pk}/findings").status_code == 401
