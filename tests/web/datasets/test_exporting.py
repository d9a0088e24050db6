"""Exports: streamed, complete, safe to unpack anywhere, and the same data set when imported again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter

import pytest

from tests.web.factories import draw_picture, import_files, imported_dataset, label_files, make_dataset
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets import editing, exporting, services, storage, versions
from webapp.datasets.models import Dataset, DatasetVersion, Image, ImageLabel


def latest(dataset: Dataset) -> DatasetVersion:
    version = dataset.latest
    assert version
    return version


def archive(version: DatasetVersion, *, splits: bool = False) -> zipfile.ZipFile:
    data = b"".join(exporting.stream_zip(version, splits=splits))
    opened = zipfile.ZipFile(io.BytesIO(data))
    assert opened.testzip() is None
    return opened


def contents(dataset: Dataset) -> Counter[tuple[str, tuple[str, ...]]]:
    """The pictures of the latest version by content and labels."""
    links = ImageLabel.objects.filter(image__dataset=dataset, removed_in=None)
    labels: dict[int, list[str]] = {}
    for image, name in links.values_list("image_id", "label__name"):
        labels.setdefault(image, []).append(name)
    images = services.version_images(latest(dataset))
    return Counter((image.sha256, tuple(sorted(labels.get(image.pk, [])))) for image in images)


def test_a_zip_that_is_imported_again_is_the_same_data_set(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(("green", "κόκκινο", "a & b"), each=6))
    images = list(dataset.images.values_list("pk", flat=True))
    editing.relabel(dataset=dataset, images=images[:3], labels=["new one"])
    editing.remove_pictures(dataset=dataset, images=images[3:5])
    version = versions.seal_version(version=latest(dataset))
    again = make_dataset(alice)
    import_files(again, b"".join(exporting.stream_zip(version)))
    assert contents(again) == contents(dataset)
    assert latest(again).summary["labels"] == version.summary["labels"]


def test_labels_that_are_no_names_of_folders_keep_apart_and_inside(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=6))
    images = list(dataset.images.values_list("pk", flat=True))
    names = ["...", "a/b", "a_b", ".", "a|b", "../.."]
    for number, name in enumerate(names):
        editing.relabel(dataset=dataset, images=images[2 * number : 2 * number + 2], labels=[name])
    version = versions.seal_version(version=latest(dataset))
    paths = archive(version).namelist()
    assert len({path.partition("/")[0] for path in paths}) == len(names)
    assert all(path.count("/") == 1 and path[0] not in "./" for path in paths)
    again = make_dataset(alice)
    import_files(again, b"".join(exporting.stream_zip(version)))
    assert sorted(latest(again).summary["labels"].values()) == [2] * len(names)
    assert "a_b" in latest(again).summary["labels"]


def test_splits_come_back_with_a_zip_that_has_them(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=20))
    images = list(dataset.images.filter(split="train").values_list("pk", flat=True))
    editing.move_to_split(dataset=dataset, images=images[:5], split="validation")
    version = versions.seal_version(version=latest(dataset))
    again = make_dataset(alice)
    import_files(again, b"".join(exporting.stream_zip(version, splits=True)))

    def splits(each: Dataset) -> dict[str, str]:
        return dict(services.version_images(latest(each)).values_list("sha256", "split"))

    assert splits(again) == splits(dataset)
    assert contents(again) == contents(dataset)


def test_several_labels_come_back(alice: User) -> None:
    dataset = imported_dataset(alice)
    Dataset.objects.filter(pk=dataset.pk).update(task=Dataset.Task.MULTI)
    dataset.refresh_from_db()
    images = list(dataset.images.values_list("pk", flat=True))
    editing.add_label(dataset=dataset, images=images[:5], label="red")
    version = versions.seal_version(version=latest(dataset))
    again = make_dataset(alice)
    import_files(again, b"".join(exporting.stream_zip(version)))
    assert contents(again) == contents(dataset)
    again.refresh_from_db()
    assert again.task == Dataset.Task.MULTI


def test_an_old_version_is_exported_as_it_was(alice: User) -> None:
    dataset = imported_dataset(alice)
    first = latest(dataset)
    before = archive(first).namelist()
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    editing.remove_pictures(dataset=dataset, images=dataset.images.values_list("pk", flat=True)[:4])
    versions.seal_version(version=latest(dataset))
    assert archive(first).namelist() == before
    assert len(archive(latest(dataset)).namelist()) == 12


def test_bytes_are_those_that_were_uploaded(alice: User) -> None:
    files = label_files()
    opened = archive(latest(imported_dataset(alice, files=files)))
    assert {name: opened.read(name) for name in opened.namelist()} == files


def test_splits_are_folders_when_they_are_asked_for(alice: User) -> None:
    version = latest(imported_dataset(alice, files=label_files(each=20)))
    folders = Counter(name.split("/")[0] for name in archive(version, splits=True).namelist())
    splits = version.summary["splits"]
    assert folders == {"train": splits["train"], "val": splits["validation"], "test": splits["test"]}


def test_names_that_clash_or_are_none_are_told_apart(alice: User) -> None:
    dataset = imported_dataset(alice)
    for number, name in enumerate(("a/x.png", "b/x.png", "c/X.PNG", "..", "CON:<>.jpg", "d/" + "n" * 400)):
        row = Image.objects.order_by("pk")[number]
        Image.objects.filter(pk=row.pk).update(name=name)
    ids = list(Image.objects.order_by("pk").values_list("pk", flat=True))
    editing.relabel(dataset=dataset, images=ids, labels=["../up"])
    names = archive(versions.seal_version(version=latest(dataset))).namelist()
    assert names[:5] == ["_up/x.png", "_up/x-2.png", "_up/X-3.PNG", names[3], "_up/CON___.png"]
    assert len({name.casefold() for name in names}) == 16
    assert not any(".." in name or len(name) > 150 for name in names)


def test_unlabelled_pictures_go_out_too(alice: User) -> None:
    dataset = imported_dataset(alice)
    one = dataset.images.order_by("pk").first()
    assert one
    editing.relabel(dataset=dataset, images=[one.pk], labels=[])
    names = archive(versions.seal_version(version=latest(dataset))).namelist()
    assert [name for name in names if "/" not in name] == ["000.png"]


def test_several_labels_come_as_a_list_that_vertex_reads(alice: User) -> None:
    dataset = imported_dataset(alice)
    Dataset.objects.filter(pk=dataset.pk).update(task=Dataset.Task.MULTI)
    dataset.refresh_from_db()
    one = dataset.images.order_by("pk").first()
    assert one
    editing.relabel(dataset=dataset, images=[one.pk], labels=["red", "green", "with, comma"])
    version = versions.seal_version(version=latest(dataset))
    opened = archive(version)
    rows = list(csv.reader(io.StringIO(opened.read("labels.csv").decode())))
    assert len(rows) == 16
    assert rows[0][1:] == ["images/000.png", "green", "red", "with, comma"]
    assert {row[0] for row in rows} <= {"training", "validation", "test"}
    assert {row[1] for row in rows} == set(opened.namelist()) - {"labels.csv"}
    line = json.loads(next(iter(exporting.stream_jsonl(version))))
    assert [each["displayName"] for each in line["classificationAnnotations"]] == rows[0][2:]


def test_a_list_has_a_line_for_each_picture_with_the_paths_of_the_zip(alice: User) -> None:
    version = latest(imported_dataset(alice))
    lines = [json.loads(line) for line in b"".join(exporting.stream_jsonl(version)).splitlines()]
    assert [line["imageGcsUri"] for line in lines] == archive(version).namelist()
    assert lines[0]["classificationAnnotation"] == {"displayName": "green"}
    uses = {line["dataItemResourceLabels"]["aiplatform.googleapis.com/ml_use"] for line in lines}
    assert uses == {"training", "validation", "test"}


def test_it_is_streamed_a_block_at_a_time(alice: User) -> None:
    noise = draw_picture(5, size=(900, 700), file_format="BMP")
    version = latest(imported_dataset(alice, files=label_files() | {"red/large.bmp": noise}))
    blocks = list(exporting.stream_zip(version))
    assert max(map(len, blocks)) < 2 * exporting.BLOCK
    assert sum(map(len, blocks)) > len(noise)


def test_a_file_that_is_lost_is_named_and_the_rest_goes_out(alice: User) -> None:
    version = latest(imported_dataset(alice))
    lost = Image.objects.order_by("pk").first()
    assert lost
    storage.image_path(lost).unlink()
    opened = archive(version)
    assert lost.name in opened.read("missing.txt").decode()
    assert len(opened.namelist()) == 16


def test_an_open_version_is_refused(alice: User) -> None:
    dataset = imported_dataset(alice)
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    with pytest.raises(UserError, match="still open for changes"):
        exporting.export(latest(dataset), "zip")
    with pytest.raises(UserError, match="choose one of"):
        exporting.export(latest(dataset), "tar")
