"""Making a data set and adding pictures to it, by the form as it works without scripts."""

from __future__ import annotations

import zipfile
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.web.conftest import logged_in
from tests.web.factories import draw_picture, label_files, make_dataset, zip_upload
from tests.web.pages.reading import read, words
from tests.web.tus import address_of
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Label, Upload


def picture_upload(seed: int, name: str = "IMG_0001.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, draw_picture(seed), content_type="image/png")


def test_it_asks_for_a_name_and_pictures(alice_client: Client) -> None:
    text = read(alice_client, "/datasets/new/")
    for part in (
        "Name",
        "Pictures",
        "Choose a folder",
        "Use the camera",
        "What a folder or a zip looks like",
    ):
        assert part in text


def test_adding_pictures_has_a_page_with_the_labels_that_there_are(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    Label.objects.create(dataset=dataset, name="τέσσερα")
    page = alice_client.get(f"/datasets/{dataset.pk}/upload/")
    assert "Add pictures" in words(page)
    assert '<option value="τέσσερα">' in page.content.decode()


def test_plain_form_makes_it_and_leads_there(alice_client: Client, enqueued: list[object]) -> None:
    answer = alice_client.post("/datasets/new/", {"name": "Colours", "file": zip_upload(label_files())})
    dataset = Dataset.objects.get()
    assert answer.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert dataset.state == Dataset.State.IMPORTING
    assert enqueued == [("import_upload", (Upload.objects.get().pk,))]


def test_loose_pictures_are_one_upload_with_their_label(alice_client: Client, data_dir: Path) -> None:
    files = [picture_upload(seed) for seed in range(3)]
    alice_client.post("/datasets/new/", {"name": "Cats", "file": files, "label": " tabby  cat "})
    upload = Upload.objects.get()
    assert (upload.name, upload.label) == ("3 files.zip", "tabby cat")
    with zipfile.ZipFile(data_dir / upload.path) as archive:
        assert archive.namelist() == ["IMG_0001.png", "IMG_0001 (2).png", "IMG_0001 (3).png"]
        assert [archive.read(name) for name in archive.namelist()] == [draw_picture(n) for n in range(3)]


def test_a_single_picture_stays_as_it_is(alice_client: Client, data_dir: Path) -> None:
    alice_client.post("/datasets/new/", {"name": "Cats", "file": picture_upload(1)})
    upload = Upload.objects.get()
    assert upload.name == "IMG_0001.png"
    assert (data_dir / upload.path).read_bytes() == draw_picture(1)


def test_empty_file_leaves_no_data_set(alice_client: Client) -> None:
    form = {"name": "Colours", "file": [zip_upload(label_files()), zip_upload(b"", "none.zip")]}
    answer = alice_client.post("/datasets/new/", form)
    assert answer.status_code == 400
    assert "none.zip is empty" in words(answer)
    assert not Dataset.objects.exists()


def test_too_long_a_label_is_told(alice_client: Client) -> None:
    answer = alice_client.post(
        "/datasets/new/", {"name": "Cats", "file": picture_upload(1), "label": "x" * 256}
    )
    assert (answer.status_code, Dataset.objects.count()) == (400, 0)
    assert "This label has 256 characters" in words(answer)


def test_missing_file_is_told(alice_client: Client) -> None:
    answer = alice_client.post("/datasets/new/", {"name": "Colours"})
    assert answer.status_code == 400
    assert "Choose pictures first" in words(answer)
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


def test_what_has_not_arrived_as_a_whole_is_listed(alice_client: Client, alice: User, charlie: User) -> None:
    dataset, other = make_dataset(alice, name="Waste"), make_dataset(alice)
    address = address_of(alice_client, dataset.pk, 4_000_000)
    page = alice_client.get("/datasets/new/")
    assert "pictures.zip is not here as a whole: 0 bytes of 4.0 MB, for Waste" in words(page)
    assert f'data-unfinished="{address}"' in page.content.decode()
    assert "pictures.zip" in read(alice_client, f"/datasets/{dataset.pk}/upload/")
    assert "pictures.zip" not in read(alice_client, f"/datasets/{other.pk}/upload/")
    assert "pictures.zip" not in read(logged_in(charlie), "/datasets/new/")


def test_administrators_may_name_a_folder_on_the_server(
    admin_client: Client, alice_client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert "Path on the server" in read(admin_client, "/datasets/new/")
    admin_client.post("/datasets/new/", {"name": "Colours", "path": str(folder)})
    assert Upload.objects.get().path == str(folder)
    assert "Path on the server" not in read(alice_client, "/datasets/new/")
    answer = alice_client.post("/datasets/new/", {"name": "Theirs", "path": str(folder)})
    assert answer.status_code == 403
    assert not Dataset.objects.filter(name="Theirs").exists()


def test_sample_is_one_press(alice_client: Client) -> None:
    answer = alice_client.post("/datasets/sample/")
    assert answer.headers["Location"] == f"/datasets/{Dataset.objects.get(name='Handwritten digits').pk}/"


def test_stranger_uploads_nothing_to_it(charlie_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    form = {"file": zip_upload(label_files())}
    assert charlie_client.get(f"/datasets/{dataset.pk}/upload/").status_code == 404
    assert charlie_client.post(f"/datasets/{dataset.pk}/upload/", form).status_code == 404
    assert not Upload.objects.exists()
