"""Making a data set and uploading to it."""

from __future__ import annotations

from django.test import Client

from tests.web.factories import label_files, make_dataset, zip_upload
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Upload

JSON = {"X-Requested-With": "XMLHttpRequest"}


def test_it_asks_for_a_name_and_a_zip(alice_client: Client) -> None:
    text = read(alice_client, "/datasets/new/")
    assert "Name" in text
    assert "Zip file" in text
    assert "What the zip looks like inside" in text


def test_plain_form_makes_it_and_leads_there(alice_client: Client, enqueued: list[object]) -> None:
    answer = alice_client.post("/datasets/new/", {"name": "Colours", "file": zip_upload(label_files())})
    dataset = Dataset.objects.get()
    assert answer.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert dataset.state == Dataset.State.IMPORTING
    assert enqueued == [("import_upload", (Upload.objects.get().pk,))]


def test_script_gets_the_address_as_json(alice_client: Client) -> None:
    form = {"name": "Colours", "file": zip_upload(label_files())}
    answer = alice_client.post("/datasets/new/", form, headers=JSON)
    assert answer.status_code == 201
    assert answer.json() == {"url": f"/datasets/{Dataset.objects.get().pk}/"}


def test_empty_file_leaves_no_data_set(alice_client: Client) -> None:
    form = {"name": "Colours", "file": zip_upload(b"", "none.zip")}
    answer = alice_client.post("/datasets/new/", form, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "empty_file"
    assert "none.zip is empty" in answer.json()["error"]["message"]
    assert not Dataset.objects.exists()


def test_missing_file_is_told(alice_client: Client) -> None:
    answer = alice_client.post("/datasets/new/", {"name": "Colours"})
    assert "Choose a zip file first." in words(answer)
    assert not Dataset.objects.exists()


def test_further_upload_goes_to_the_same_data_set(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    answer = alice_client.post(f"/datasets/{dataset.pk}/upload/", {"file": zip_upload(label_files())})
    assert answer.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert dataset.uploads.count() == 1


def test_a_second_upload_waits_for_its_turn(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    for _ in range(2):
        answer = alice_client.post(f"/datasets/{dataset.pk}/upload/", {"file": zip_upload(label_files())})
        assert answer.status_code == 302
    assert dataset.uploads.count() == 2


def test_sample_is_one_press(alice_client: Client) -> None:
    answer = alice_client.post("/datasets/sample/")
    assert answer.headers["Location"] == f"/datasets/{Dataset.objects.get(name='Handwritten digits').pk}/"


def test_stranger_uploads_nothing_to_it(charlie_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    form = {"file": zip_upload(label_files())}
    assert charlie_client.post(f"/datasets/{dataset.pk}/upload/", form).status_code == 404
    assert not Upload.objects.exists()
