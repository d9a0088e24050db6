"""The pages of versions: what changed, names, saving, throwing away, exports."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.test import Client

from tests.web.factories import imported_dataset, make_version
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets import editing
from webapp.datasets.models import Dataset, DatasetVersion, Image
from webapp.searches.models import Search


def changed(owner: User) -> Dataset:
    dataset = make_version(owner, each=5).dataset
    images = list(Image.objects.filter(dataset=dataset, split="train").values_list("pk", flat=True))
    editing.relabel(dataset=dataset, images=images[:2], labels=["blue"])
    editing.move_to_split(dataset=dataset, images=images[2:3], split="validation")
    editing.remove_pictures(dataset=dataset, images=images[3:4])
    return dataset


def state(dataset: Dataset) -> tuple[int, str]:
    version = dataset.latest
    assert version
    return version.number, version.state


def test_a_version_shows_what_changed(alice_client: Client, alice: User) -> None:
    dataset = changed(alice)
    text = read(alice_client, f"/datasets/{dataset.pk}/versions/2/")
    assert "against version 1: 1 removed, 2 with other labels, 1 in another split" in text
    assert "Removed: 1" in text
    assert "Other labels: 2 green → blue green → blue" in text
    assert "Another split: 1 Training → Validation" in text
    assert "2 pictures labelled “blue”." in text
    assert "Added: 10" in read(alice_client, f"/datasets/{dataset.pk}/versions/1/")


def test_an_open_version_is_saved_with_a_name(alice_client: Client, alice: User) -> None:
    dataset = changed(alice)
    address = f"/datasets/{dataset.pk}/versions/2/seal/"
    answer = alice_client.post(address, {"name": "first go"}, follow=True)
    assert "Version 2 is saved." in words(answer)
    assert "Version 2: first go" in words(answer)
    assert state(dataset) == (2, "sealed")
    assert "has 130 characters" in words(alice_client.post(address, {"name": "x" * 130}, follow=True))


def test_an_open_version_is_thrown_away(alice_client: Client, alice: User) -> None:
    dataset = changed(alice)
    address = f"/datasets/{dataset.pk}/versions/2/discard/"
    assert "were thrown away" in words(alice_client.post(address, follow=True))
    assert state(dataset) == (1, "sealed")
    assert alice_client.post(address).status_code == 404
    sealed = f"/datasets/{dataset.pk}/versions/1/discard/"
    assert "saved versions never change" in words(alice_client.post(sealed, follow=True))


def test_a_version_is_named(alice_client: Client, alice: User) -> None:
    dataset = changed(alice)
    address = f"/datasets/{dataset.pk}/versions/1/name/"
    assert "Version 1: as it came" in words(alice_client.post(address, {"name": "as it came"}, follow=True))


def test_it_tells_what_was_trained_on_it(alice_client: Client, alice: User) -> None:
    dataset = changed(alice)
    first = dataset.versions.get(number=1)
    search = Search.objects.create(owner=alice, version=first, budget_minutes=1)
    text = read(alice_client, f"/datasets/{dataset.pk}/?tab=versions")
    assert f"trained on it: search {search.pk}" in text
    assert text.count("trained on it") == 1


def test_a_saved_version_is_downloaded(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice, name="Colours / 2")
    answer = alice_client.get(f"/datasets/{dataset.pk}/versions/1/export/?form=splits")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Colours _ 2-v1.zip"'
    names = zipfile.ZipFile(io.BytesIO(b"".join(answer))).namelist()
    assert {name.split("/")[0] for name in names} == {"train", "val", "test"}
    answer = alice_client.get(f"/datasets/{dataset.pk}/versions/1/export/?form=jsonl")
    assert len(b"".join(answer).splitlines()) == 16


def test_an_open_version_is_saved_by_its_export_but_not_by_looking(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    address = f"/datasets/{dataset.pk}/versions/2/export/"
    assert "Save it first" in words(alice_client.get(address, follow=True))
    assert state(dataset) == (2, "open")
    answer = alice_client.post(address, {"form": "jsonl"})
    assert answer.headers["Content-Type"] == "application/jsonl"
    assert state(dataset) == (2, "sealed")
    assert "choose one of" in words(alice_client.get(f"{address}?form=tar", follow=True))


@pytest.mark.parametrize("part", ["", "name/", "seal/", "discard/", "export/"])
def test_stranger_gets_404(charlie_client: Client, alice: User, part: str) -> None:
    dataset = changed(alice)
    address = f"/datasets/{dataset.pk}/versions/2/{part}"
    ask = charlie_client.post if part else charlie_client.get
    assert ask(address).status_code == 404
    assert dataset.versions.filter(state=DatasetVersion.State.OPEN).exists()
