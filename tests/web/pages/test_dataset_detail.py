"""One data set."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.web.factories import (
    import_files,
    imported_dataset,
    label_files,
    make_dataset,
    zip_upload,
)
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets import services
from webapp.datasets.models import Dataset, Upload

HTMX = {"HX-Request": "true"}


def importing(owner: User) -> Upload:
    dataset = make_dataset(owner)
    upload = services.receive_upload(dataset=dataset, file=zip_upload(label_files()))
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.RUNNING, done=1512, total=2022)
    return upload


def ask_again(client: Client, address: str, page: Any) -> Any:
    """Ask for news as the page does."""
    tag = re.search(r'If-None-Match": "\\"(\w+)', page.content.decode())
    assert tag
    return client.get(address, headers={**HTMX, "If-None-Match": f'"{tag[1]}"'})


def test_pictures_are_shown_with_their_labels(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    answer = alice_client.get(f"/datasets/{dataset.pk}/")
    assert "16 pictures · 2 labels · version 1" in words(answer)
    assert answer.content.decode().count("<img") == 16
    assert "Train" in words(answer)


def test_pictures_can_be_filtered_by_label_and_split(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    red = dataset.labels.get(name="red")
    one = read(alice_client, f"/datasets/{dataset.pk}/?tab=pictures&label={red.pk}")
    assert "8 pictures" in one
    both = read(alice_client, f"/datasets/{dataset.pk}/?label={red.pk}&split=test")
    assert re.search(r"\b[12] pictures?\b", both)


def test_filters_answer_htmx_with_a_part_and_keep_the_address(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    answer = alice_client.get(f"/datasets/{dataset.pk}/pictures/?split=train", headers=HTMX)
    assert b"<html" not in answer.content
    assert answer.headers["HX-Push-Url"] == f"/datasets/{dataset.pk}/?split=train&tab=pictures"
    plain = alice_client.get(f"/datasets/{dataset.pk}/pictures/?split=train")
    assert plain.headers["Location"] == f"/datasets/{dataset.pk}/?split=train&tab=pictures"


def test_labels_are_counted(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(
        alice, files=label_files(("red",), each=5) | label_files(("blau & grün",), each=7)
    )
    text = read(alice_client, f"/datasets/{dataset.pk}/?tab=labels")
    assert "blau & grün 7" in text
    assert "red 5" in text
    assert "What the pictures are used for" in text


def test_rejected_files_have_reasons(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files() | {"red/no.jpg": b"", "red/=SUM(A1).jpg": b"text"})
    text = read(alice_client, f"/datasets/{dataset.pk}/?tab=rejected")
    assert "16 of 18 files became pictures; 2 did not." in text
    assert "red/no.jpg The file is empty." in text


def test_rejected_files_come_as_csv(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files() | {"red/no.jpg": b""})
    dataset.uploads.get().rejected_files.create(name="=cmd()", code="empty", reason="Empty.")
    answer = alice_client.get(f"/datasets/{dataset.pk}/rejected.csv")
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert lines[0] == "upload,file,code,reason"
    assert lines[1].startswith("pictures.zip,red/no.jpg,empty,")
    assert lines[2] == "pictures.zip,'=cmd(),empty,Empty."


def test_no_rejected_files_is_good_news(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    assert "Every file was accepted" in read(alice_client, f"/datasets/{dataset.pk}/?tab=rejected")


def test_versions_are_listed(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    import_files(dataset, label_files(first=8, each=3))
    text = read(alice_client, f"/datasets/{dataset.pk}/?tab=versions")
    assert "Version 2 Import 22 pictures · 2 labels · 6 added" in text
    assert "Version 1 Import 16 pictures · 2 labels · 16 added" in text


def test_import_is_shown_while_it_runs(alice_client: Client, alice: User) -> None:
    upload = importing(alice)
    text = read(alice_client, f"/datasets/{upload.dataset_id}/")
    assert "Looking at your pictures 1,512 of 2,022" in text
    assert "Train" not in text


def test_import_is_sent_again_only_if_it_moved(alice_client: Client, alice: User) -> None:
    upload = importing(alice)
    status = f"/datasets/{upload.dataset_id}/status/"
    page = alice_client.get(f"/datasets/{upload.dataset_id}/")
    same = ask_again(alice_client, status, page)
    assert (same.status_code, same.content) == (304, b"")
    Upload.objects.filter(pk=upload.pk).update(done=1600)
    news = ask_again(alice_client, status, page)
    assert news.status_code == 200
    assert "1,600 of 2,022" in words(news)
    assert ask_again(alice_client, status, news).status_code == 304


def test_page_is_loaded_again_when_the_import_is_over(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    answer = alice_client.get(f"/datasets/{dataset.pk}/status/", headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"


def test_failed_import_says_why_and_what_now(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    import_files(dataset, b"no zip at all")
    text = read(alice_client, f"/datasets/{dataset.pk}/")
    assert "pictures.zip could not be imported. This is not a zip file, a tar or" in text
    assert "Nothing of it was kept" in text
    assert "Upload again" in text


def test_failed_upload_to_a_good_data_set_leaves_it_usable(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    import_files(dataset, b"no zip at all")
    text = read(alice_client, f"/datasets/{dataset.pk}/")
    assert "pictures.zip could not be imported." in text
    assert "the pictures from before are as they were" in text
    assert "16 pictures" in text
    assert "Train" in text


def test_empty_data_set_offers_the_upload(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice, state=Dataset.State.EMPTY)
    assert "Upload pictures" in read(alice_client, f"/datasets/{dataset.pk}/")


@pytest.mark.parametrize("part", ["", "status/", "pictures/", "rejected/", "rejected.csv", "delete/"])
def test_stranger_gets_404(charlie_client: Client, alice: User, part: str) -> None:
    dataset = make_dataset(alice)
    assert charlie_client.get(f"/datasets/{dataset.pk}/{part}").status_code == 404
