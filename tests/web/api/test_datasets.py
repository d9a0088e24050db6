"""Data sets over HTTP, as a program uses them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.web.factories import draw_picture, imported_dataset, label_files, make_dataset, zip_upload
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.tasks import import_upload

Enqueued = list[tuple[str, tuple[int, ...]]]
BASE = "/api/v1/datasets"


def post_json(client: Client, path: str, body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_the_whole_way_from_a_name_to_pictures(alice_api: Client, enqueued: Enqueued) -> None:
    made = post_json(alice_api, BASE, {"name": "Colours"})
    assert made.status_code == 201
    assert made.json()["state"] == "empty"
    address = f"{BASE}/{made.json()['id']}"

    files = label_files() | {"red/notes.txt": b"text"}
    sent = alice_api.post(f"{address}/files", {"file": zip_upload(files)})
    assert sent.status_code == 202
    assert sent.json()["state"] == "importing"
    ((name, (upload_id,)),) = enqueued
    assert name == "import_upload"

    import_upload(upload_id)
    seen = alice_api.get(address).json()
    created_at = seen.pop("created_at")
    assert created_at.startswith("20")
    assert seen == {
        "id": made.json()["id"],
        "name": "Colours",
        "state": "ready",
        "task": "single",
        "error": None,
        "version": 1,
        "counts": {"accepted": 16, "rejected": 1, "total": 17},
        "labels": [{"name": "green", "count": 8}, {"name": "red", "count": 8}],
        "progress": {"done": 17, "total": 17},
    }
    (rejected,) = alice_api.get(f"{address}/rejected").json()
    assert (rejected["file"], rejected["code"]) == ("red/notes.txt", "not_a_picture")
    assert rejected["reason"]


def test_a_name_with_half_a_character_is_stored_without_it(alice_api: Client) -> None:
    made = alice_api.post(BASE, '{"name": "Cats \\ud800and dogs"}', content_type="application/json")
    assert made.status_code == 201
    assert made.json()["name"] == "Cats and dogs"


def test_a_failed_import_is_told(alice_api: Client, alice: User, enqueued: Enqueued) -> None:
    dataset = make_dataset(alice)
    alice_api.post(f"{BASE}/{dataset.pk}/files", {"file": zip_upload(b"no zip")})
    import_upload(enqueued[0][1][0])
    seen = alice_api.get(f"{BASE}/{dataset.pk}").json()
    assert seen["state"] == "failed"
    assert "not a zip file" in seen["error"]
    assert seen["counts"] == {"accepted": 0, "rejected": 0, "total": 0}
    assert (seen["version"], seen["labels"]) == (None, [])


def test_it_lists_only_your_own(alice_api: Client, alice: User, bob: User) -> None:
    mine = make_dataset(alice)
    make_dataset(bob)
    assert [each["id"] for each in alice_api.get(BASE).json()] == [mine.pk]


def test_a_second_file_waits_for_its_turn(alice_api: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    address = f"{BASE}/{dataset.pk}/files"
    for _ in range(2):
        assert alice_api.post(address, {"file": zip_upload(label_files())}).status_code == 202
    assert dataset.uploads.count() == 2


def test_an_empty_file_is_refused(alice_api: Client, alice: User) -> None:
    response = alice_api.post(f"{BASE}/{make_dataset(alice).pk}/files", {"file": zip_upload(b"")})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "empty_file"


def test_a_missing_file_is_named(alice_api: Client, alice: User) -> None:
    response = alice_api.post(f"{BASE}/{make_dataset(alice).pk}/files", {"other": "x"})
    assert response.status_code == 400
    assert response.json()["error"] == {"code": "invalid", "message": "file: field required."}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "name: field required."),
        ({"name": 5}, "name: input should be a valid string."),
        ({"name": " "}, "Give the data set a name."),
    ],
)
def test_a_bad_name_is_explained(alice_api: Client, body: Any, message: str) -> None:
    response = post_json(alice_api, BASE, body)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == message
    assert not Dataset.objects.exists()


def test_it_deletes(alice_api: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    response = alice_api.delete(f"{BASE}/{dataset.pk}")
    assert (response.status_code, response.content) == (204, b"")
    assert alice_api.get(f"{BASE}/{dataset.pk}").status_code == 404


@pytest.mark.parametrize(
    ("method", "tail"), [("get", ""), ("delete", ""), ("post", "/files"), ("get", "/rejected")]
)
def test_a_stranger_gets_404(charlie_api: Client, alice: User, method: str, tail: str) -> None:
    dataset = make_dataset(alice)
    data = {"file": zip_upload(label_files())} if method == "post" else None
    response = getattr(charlie_api, method)(f"{BASE}/{dataset.pk}{tail}", data)
    assert response.status_code == 404
    assert response.json() == {"error": {"code": "not_found", "message": "There is no such dataset."}}
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.EMPTY


@pytest.mark.parametrize("field", ["file", "files"])
def test_several_pictures_and_their_label_come_in_one_request(
    alice_api: Client, alice: User, field: str
) -> None:
    dataset = make_dataset(alice)
    pictures = [SimpleUploadedFile(f"{n}.png", draw_picture(n)) for n in range(3)]
    answer = alice_api.post(f"{BASE}/{dataset.pk}/files", {field: pictures, "label": "red"})
    assert answer.status_code == 202
    assert [(upload.name, upload.label) for upload in dataset.uploads.all()] == [("3 files.zip", "red")]
