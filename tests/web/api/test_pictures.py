"""Pictures and versions over HTTP, as a program uses them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.test import Client

from tests.web.factories import imported_dataset, make_dataset, make_version
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Image

BASE = "/api/v1/datasets"


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return getattr(client, method)(path, json.dumps(body or {}), content_type="application/json")


def ids(dataset: Dataset, **lookup: Any) -> list[int]:
    rows = Image.objects.filter(dataset=dataset, removed_in=None, **lookup)
    return list(rows.values_list("pk", flat=True))


def test_it_lists_every_picture_page_by_page(alice_api: Client, alice: User) -> None:
    dataset = make_version(alice, each=4).dataset
    found, after = [], ""
    for _ in range(3):
        answer = alice_api.get(f"{BASE}/{dataset.pk}/pictures?limit=3{after}").json()
        found += answer["pictures"]
        after = f"&after={answer['next']}"
    assert answer["next"] is None
    assert sorted(each["id"] for each in found) == ids(dataset)
    assert found[0].keys() >= {"name", "labels", "split", "width", "sha256", "findings", "opinion"}


def test_it_filters(alice_api: Client, alice: User) -> None:
    dataset = make_version(alice, each=5).dataset

    def count(query: str) -> int:
        return len(alice_api.get(f"{BASE}/{dataset.pk}/pictures?{query}").json()["pictures"])

    assert (count("label=red"), count("label=red&split=test"), count("unlabelled=true")) == (5, 1, 0)
    assert (count("name=green/3"), count("removed=true"), count("version=1")) == (1, 0, 10)
    missing = alice_api.get(f"{BASE}/{dataset.pk}/pictures?label=blue")
    assert missing.status_code == 404
    assert "There is no label “blue”" in missing.json()["error"]["message"]
    assert alice_api.get(f"{BASE}/{dataset.pk}/pictures?version=9").status_code == 404
    assert alice_api.get(f"{BASE}/{dataset.pk}/pictures?split=all").status_code == 400
    assert alice_api.get(f"{BASE}/{make_dataset(alice).pk}/pictures").json() == {"pictures": [], "next": None}


def test_it_changes_many_at_once_and_takes_that_back(alice_api: Client, alice: User) -> None:
    dataset = make_version(alice, each=5).dataset
    some = ids(dataset, split="train")
    body = {"ids": some, "labels": ["blue"], "split": "validation"}
    answer = send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", body)
    assert answer.status_code == 200
    assert [each["version"] for each in answer.json()] == [2, 2]
    assert answer.json()[0]["message"] == "6 pictures labelled “blue”."
    assert len(ids(dataset, split="validation", image_labels__label__name="blue")) == 6
    answer = send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", {"ids": some, "removed": True})
    assert answer.json()[0]["changed"] == 6
    for left in (10, 10, 10):
        assert send(alice_api, "post", f"{BASE}/{dataset.pk}/undo").status_code == 200
        assert len(ids(dataset)) == left
    assert send(alice_api, "post", f"{BASE}/{dataset.pk}/undo").status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"ids": []}, 400, "invalid"),
        ({"ids": [1]}, 400, "nothing_asked"),
        ({"ids": [1], "split": "none"}, 400, "invalid"),
        ({"ids": [1], "labels": [" "]}, 400, "invalid_label"),
        ({"ids": [1], "labels": ["a", "b"]}, 400, "one_label"),
        ({"ids": [10**30], "removed": True}, 400, "invalid"),
    ],
)
def test_a_change_that_cannot_be_is_explained(
    alice_api: Client, alice: User, body: Any, status: int, code: str
) -> None:
    dataset = make_version(alice, each=2).dataset
    answer = send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_test_pictures_stay_unless_confirmed(alice_api: Client, alice: User) -> None:
    dataset = make_version(alice, each=5).dataset
    body = {"ids": ids(dataset, split="test"), "split": "train", "labels": ["blue"]}
    answer = send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "leaves_test")
    assert dataset.versions.count() == 1  # all of a change is made, or nothing
    answer = send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", body | {"confirmed": True})
    assert [each["changed"] for each in answer.json()] == [2, 2]


def test_a_version_is_saved_and_exported(alice_api: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    address = f"{BASE}/{dataset.pk}/versions"
    send(alice_api, "patch", f"{BASE}/{dataset.pk}/pictures", {"ids": ids(dataset)[:4], "removed": True})
    second, first = alice_api.get(address).json()
    assert (second["number"], second["state"], second["pictures"], first["state"]) == (
        2,
        "open",
        12,
        "sealed",
    )
    assert second["changes"] == {"added": 0, "removed": 4, "relabelled": 0, "moved": 0}
    assert alice_api.get(f"{address}/2/export").status_code == 409
    sealed = send(alice_api, "post", f"{address}/2/seal", {"name": "cleaned"})
    assert (sealed.json()["state"], sealed.json()["name"]) == ("sealed", "cleaned")
    data = b"".join(alice_api.get(f"{address}/2/export"))
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 12
    assert len(b"".join(alice_api.get(f"{address}/1/export?form=jsonl")).splitlines()) == 16
    assert alice_api.get(f"{address}/1/export?form=tar").status_code == 400


def test_it_is_documented(alice_api: Client) -> None:
    paths = alice_api.get("/api/v1/openapi.json").json()["paths"]
    assert set(paths[f"{BASE}/{{dataset_id}}/pictures"]) == {"get", "patch"}
    assert paths[f"{BASE}/{{dataset_id}}/versions/{{number}}/export"]["get"]["responses"]["200"]


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("get", "/pictures", None),
        ("patch", "/pictures", {"ids": [1], "removed": True}),
        ("post", "/undo", None),
        ("get", "/versions", None),
        ("post", "/versions/1/seal", None),
        ("get", "/versions/1/export", None),
    ],
)
def test_a_stranger_gets_404(charlie_api: Client, alice: User, method: str, tail: str, body: Any) -> None:
    dataset = make_version(alice, each=1).dataset
    path = f"{BASE}/{dataset.pk}{tail}"
    answer = charlie_api.get(path) if method == "get" else send(charlie_api, method, path, body)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
