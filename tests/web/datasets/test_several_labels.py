"""Pictures with several labels: from a list in a zip to what the engine is given, and what cannot start."""

from __future__ import annotations

from collections import Counter

import pytest
from django.test import Client

from search_engine.data.manifest import read_manifest
from tests.web.factories import draw_picture, imported_dataset, make_version
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion, ImageLabel, Label
from webapp.datasets.services import version_images, write_version_manifest
from webapp.searches.readiness import check_version

SETS = ("sky|sea", "sky", "sea", "sky|boat")


def files(sets: tuple[str, ...] = SETS, *, each: int = 10) -> dict[str, bytes]:
    rows = [(f"{i}-{number}.png", labels) for number in range(each) for i, labels in enumerate(sets)]
    lines = ["filename,labels", *(f"{name},{labels}" for name, labels in rows)]
    pictures = {f"images/{name}": draw_picture(number) for number, (name, _) in enumerate(rows)}
    return {"labels.csv": "\n".join(lines).encode(), **pictures}


def latest(dataset: Dataset) -> DatasetVersion:
    assert dataset.latest
    return dataset.latest


def test_a_zip_with_a_list_of_labels_can_be_trained_on(alice: User) -> None:
    dataset = imported_dataset(alice, files=files())
    assert dataset.task == Dataset.Task.MULTI
    version = latest(dataset)
    manifest = read_manifest(write_version_manifest(version))
    assert (manifest.task, manifest.labels) == ("multi", ("boat", "sea", "sky"))
    counts = Counter("|".join(picture.labels) for picture in manifest.pictures)
    assert counts == {"sea|sky": 10, "sky": 10, "sea": 10, "boat|sky": 10}
    for split in ("train", "validation", "test"):
        own = manifest.of(split)
        for label in manifest.labels:
            assert 0 < sum(label in picture.labels for picture in own) < len(own), (split, label)
    check_version(version)


def test_over_http_a_data_set_says_how_many_labels_a_picture_may_have(alice: User, alice_api: Client) -> None:
    several = imported_dataset(alice, files=files(each=2))
    single = make_version(alice).dataset
    tasks = [alice_api.get(f"/api/v1/datasets/{each.pk}").json()["task"] for each in (several, single)]
    assert tasks == ["multi", "single"]


def test_a_picture_without_a_label_is_not_taken_for_one_that_has_none(alice: User) -> None:
    version = latest(imported_dataset(alice, files=files()))
    image = version_images(version).first()
    assert image
    ImageLabel.objects.filter(image=image).delete()
    ids = {picture.id for picture in read_manifest(write_version_manifest(version)).pictures}
    assert len(ids) == 39
    assert image.pk not in ids


def test_a_label_is_on_a_picture_from_one_version_until_another(alice: User) -> None:
    first = make_version(alice, labels=("a", "b"), each=2)
    dataset = first.dataset
    dataset.task = Dataset.Task.MULTI
    dataset.save()
    second = DatasetVersion.objects.create(dataset=dataset, number=2)
    image = version_images(first).filter(labels__name="a").first()
    assert image
    more = Label.objects.get(dataset=dataset, name="b")
    ImageLabel.objects.create(image=image, label=more, added_in=second)
    ImageLabel.objects.filter(image=image, label__name="a").update(removed_in=second)
    before, after = (
        {p.id: p.labels for p in read_manifest(write_version_manifest(version)).pictures}[image.pk]
        for version in (first, second)
    )
    assert (before, after) == (("a",), ("b",))


def test_a_data_set_of_one_label_a_picture_gives_the_list_that_it_gave_before(alice: User) -> None:
    text = write_version_manifest(make_version(alice)).read_text()
    assert text.startswith('{"root": "../images", "labels": ["green", "red"]}\n{"id": ')
    assert '"labels": [' not in text.split("\n", 1)[1]
    assert '"label": "green"' in text


def test_what_every_picture_has_cannot_be_learned(alice: User) -> None:
    dataset = imported_dataset(alice, files=files(("sky|sea", "sky", "sky|boat")))
    with pytest.raises(UserError) as refused:
        check_version(latest(dataset))
    assert refused.value.code == "label_on_all_pictures"
    assert "has “sky”" in refused.value.message
    assert refused.value.message.endswith(".")


def test_what_is_on_no_training_picture_cannot_be_learned(alice: User) -> None:
    dataset = imported_dataset(alice, files=files())
    version = latest(dataset)
    boats = version_images(version).filter(labels__name="boat")
    boats.update(split="test")
    with pytest.raises(UserError) as refused:
        check_version(version)
    assert refused.value.code == "label_without_pictures"
    assert "“boat”" in refused.value.message
