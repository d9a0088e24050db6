"""Versions: when they are sealed, what they are called, and how they differ."""

from __future__ import annotations

import pytest

from tests.web.factories import import_files, imported_dataset, label_files, make_version
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets import editing, services, versions
from webapp.datasets.models import Dataset, DatasetVersion, Image
from webapp.searches.services import start_search


def edited(dataset: Dataset, *, remove: int = 1) -> DatasetVersion:
    images = Image.objects.filter(dataset=dataset, removed_in=None, split="train").order_by("pk")[:remove]
    editing.remove_pictures(dataset=dataset, images=[image.pk for image in images])
    version = dataset.latest
    assert version
    return version


def test_a_search_seals_the_version_it_starts_on(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=30))
    version = edited(dataset)
    search = start_search(owner=alice, version=version, budget_minutes=1)
    version.refresh_from_db()
    assert version.state == DatasetVersion.State.SEALED
    assert search.version == version
    assert edited(dataset).number == 3


def test_a_search_that_is_refused_leaves_the_version_open(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=30))
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    version = dataset.latest
    assert version
    with pytest.raises(UserError, match="only one label"):
        start_search(owner=alice, version=version, budget_minutes=1)
    editing.undo_last(dataset=dataset)
    assert dataset.latest
    assert len(services.label_counts(dataset.latest)) == 2


def test_an_import_seals_the_edits_before_it(alice: User) -> None:
    dataset = imported_dataset(alice)
    version = edited(dataset, remove=2)
    import_files(dataset, label_files(first=8, each=3))
    version.refresh_from_db()
    latest = dataset.latest
    assert latest
    assert (version.state, latest.number, latest.pictures) == ("sealed", 3, 16 - 2 + 6)
    assert latest.changes["added"] == 6
    assert versions.difference(latest).counts == {"added": 6, "removed": 0, "relabelled": 0, "moved": 0}


def test_a_removed_picture_comes_back_with_the_next_upload_of_it(alice: User) -> None:
    dataset = imported_dataset(alice)
    edited(dataset, remove=1)
    import_files(dataset, label_files() | label_files(first=8, each=3))
    assert dataset.latest
    assert dataset.latest.pictures == 22


def test_an_open_version_has_no_list_for_the_engine(alice: User) -> None:
    version = edited(make_version(alice).dataset)
    with pytest.raises(ValueError, match="not sealed"):
        services.write_version_manifest(version)
    versions.seal_version(version=version)
    listed = services.version_manifest(version).pictures
    assert {picture.id for picture in listed} == set(
        services.version_images(version).values_list("pk", flat=True)
    )


def test_an_edited_version_is_trained_on_as_it_was_edited(alice: User) -> None:
    dataset = make_version(alice).dataset
    one = Image.objects.filter(labels__name="green", split="train").first()
    assert one
    editing.relabel(dataset=dataset, images=[one.pk], labels=["blue"])
    editing.move_to_split(dataset=dataset, images=[one.pk], split="validation")
    version = dataset.latest
    assert version
    (picture,) = [each for each in services.version_manifest(version).pictures if each.label == "blue"]
    assert picture.split == "validation"
    assert picture.id != one.pk


def test_it_says_what_was_before_and_after(alice: User) -> None:
    dataset = make_version(alice).dataset
    one, two, three = Image.objects.filter(labels__name="green", split="train").order_by("pk")[:3]
    editing.relabel(dataset=dataset, images=[one.pk], labels=["blue"])
    editing.move_to_split(dataset=dataset, images=[one.pk, two.pk], split="validation")
    editing.remove_pictures(dataset=dataset, images=[three.pk])
    version = dataset.latest
    assert version
    difference = versions.difference(version)
    (relabelled,) = difference.relabelled
    assert (relabelled.before, relabelled.after) == (("green",), ("blue",))
    assert [(each.before, each.after) for each in difference.moved] == [("train", "validation")] * 2
    assert difference.removed == [three.pk]
    words = versions.changes_in_words(version.changes)
    assert words == "1 removed, 1 with other labels, 2 in another split"


def test_a_name_that_is_too_long_is_refused(alice: User) -> None:
    version = make_version(alice)
    with pytest.raises(UserError, match="has 121 characters"):
        versions.rename_version(version=version, name="x" * 121)
    versions.rename_version(version=version, name="without blurry ones")
    version.refresh_from_db()
    assert version.name == "without blurry ones"
