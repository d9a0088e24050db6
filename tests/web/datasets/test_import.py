"""What an import makes of a zip: files, rows, versions; and of a bad one, nothing."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.web.factories import (
    draw_picture,
    import_files,
    imported_dataset,
    label_files,
    make_dataset,
    make_zip,
)
from webapp.accounts.models import User
from webapp.datasets import services, storage
from webapp.datasets.models import Dataset, Image, RejectedFile, Upload


def stored_files(data_dir: Path) -> list[Path]:
    """Every file below the data folder."""
    return [path for path in data_dir.rglob("*") if path.is_file()]


def test_it_makes_a_version_with_labels_and_splits(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(("green", "red"), each=10))
    assert dataset.state == Dataset.State.READY
    version = dataset.latest
    assert version is not None
    assert (version.number, version.pictures) == (1, 20)
    assert services.label_counts(version) == {"green": 10, "red": 10}
    splits = services.version_images(version).values_list("split", flat=True)
    assert set(splits) == {"train", "validation", "test"}
    assert version.summary["splits"] == {split: list(splits).count(split) for split in set(splits)}


def test_it_keeps_originals_byte_for_byte(alice: User) -> None:
    files = label_files(each=6)
    dataset = imported_dataset(alice, files=files)
    for image in Image.objects.filter(dataset=dataset):
        assert storage.image_path(image).read_bytes() == files[image.name]


def test_it_makes_webp_thumbnails_of_at_most_256_pixels_upright(alice: User) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # stored lying on its side
    files = label_files() | {
        "red/large.jpg": draw_picture(99, size=(1200, 600), file_format="JPEG", exif=exif.tobytes())
    }
    dataset = imported_dataset(alice, files=files)
    large = Image.objects.get(dataset=dataset, name="red/large.jpg")
    assert (large.width, large.height) == (600, 1200)
    with Pillow.open(storage.thumbnail_path(large)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (128, 256))
    small = Image.objects.filter(dataset=dataset).exclude(pk=large.pk).first()
    assert small is not None
    with Pillow.open(storage.thumbnail_path(small)) as thumbnail:
        assert thumbnail.size == (small.width, small.height)


def test_it_accounts_for_every_file(alice: User) -> None:
    files = label_files() | {
        "red/notes.txt": b"not a picture",
        "red/broken.png": draw_picture(5)[:60],
        "loose.png": draw_picture(6),
        "__MACOSX/red/._000.png": b"clutter",
        "red/.DS_Store": b"clutter",
        "green/Thumbs.db": b"clutter",
    }
    dataset = make_dataset(alice)
    upload = import_files(dataset, files)
    assert (upload.state, upload.accepted, upload.rejected, upload.total) == ("finished", 16, 3, 19)
    assert upload.done == upload.total
    rejected = {each.name: each.reason for each in services.rejected_files(dataset)}
    assert set(rejected) == {"red/notes.txt", "red/broken.png", "loose.png"}
    assert all(reason.endswith(".") for reason in rejected.values())
    counts = services.import_counts(dataset)
    assert (counts.accepted, counts.rejected, counts.total) == (16, 3, 19)


def test_it_takes_names_in_any_script_and_an_outer_folder(alice: User) -> None:
    inner = {"été": 6, "箱": 6}
    files = {
        f"Ausflug/{label}/{number}.JPG": draw_picture(
            number, color=(number, len(label), 90), file_format="JPEG"
        )
        for label, each in inner.items()
        for number in range(each)
    }
    dataset = imported_dataset(alice, files=files)
    assert dataset.latest is not None
    assert services.label_counts(dataset.latest) == inner


def test_it_counts_an_exact_copy_under_the_same_label_once(alice: User) -> None:
    files = label_files()
    files["red/copy.png"] = files["red/000.png"]
    dataset = imported_dataset(alice, files=files)
    refused = services.rejected_files(dataset).get()
    assert (refused.name, refused.code) == ("red/copy.png", "duplicate")
    assert "red/000.png" in refused.reason


def test_it_keeps_a_picture_under_two_labels_in_one_split(alice: User) -> None:
    files = label_files(each=10)
    files["green/also.png"] = files["red/000.png"]
    dataset = imported_dataset(alice, files=files)
    both = Image.objects.filter(dataset=dataset, name__in=["green/also.png", "red/000.png"])
    assert both.count() == 2
    assert len({image.split for image in both}) == 1


def test_it_removes_the_zip_and_leaves_nothing_in_between(alice: User, data_dir: Path) -> None:
    imported_dataset(alice)
    assert list((data_dir / "uploads").iterdir()) == []
    assert [path for path in stored_files(data_dir) if path.name.startswith(".")] == []


def test_a_second_upload_makes_a_second_version_that_keeps_the_splits(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=8))
    first = dataset.latest
    assert first is not None
    splits = dict(Image.objects.values_list("pk", "split"))
    upload = import_files(dataset, label_files(("blue", "red"), each=12))
    assert (upload.accepted, upload.rejected) == (16, 8)  # eight red ones were there before
    assert set(upload.rejected_files.values_list("code", flat=True)) == {"duplicate"}
    second = dataset.latest
    assert second is not None
    assert (second.number, second.pictures) == (2, 32)
    assert services.label_counts(second) == {"blue": 12, "green": 8, "red": 12}
    assert dict(Image.objects.filter(pk__in=splits).values_list("pk", "split")) == splits
    assert services.version_images(first).count() == first.pictures
    assert services.version_images(second).count() == second.pictures


def test_a_copy_under_another_label_later_goes_to_the_split_of_the_first(alice: User) -> None:
    files = label_files(each=10)
    dataset = imported_dataset(alice, files=files)
    again = {f"blue/{number}.png": files[f"red/{number:03d}.png"] for number in range(10)}
    import_files(dataset, again)
    for image in Image.objects.filter(dataset=dataset, name__startswith="red/"):
        assert Image.objects.get(sha256=image.sha256, name__startswith="blue/").split == image.split


def _truncated() -> bytes:
    return make_zip(label_files())[:-400]


def _links_out() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.png", draw_picture(1))
        archive.writestr("/evil.png", draw_picture(2))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (make_zip({}), "no pictures"),
        (b"this is no zip at all", "zip"),
        (_truncated(), "cut off|damaged"),
        (make_zip({"a/one.txt": b"text", "b/two.txt": b"text"}), "text"),
        (_links_out(), "evil"),
    ],
    ids=["empty", "no archive", "truncated", "text files", "names that lead out"],
)
def test_a_bad_zip_gets_a_sentence_and_leaves_nothing(
    alice: User, data_dir: Path, content: bytes, says: str
) -> None:
    dataset = make_dataset(alice)
    upload = import_files(dataset, content)
    assert upload.state == Upload.State.FAILED
    assert dataset.state == Dataset.State.FAILED
    assert dataset.error == upload.error
    assert re.search(says, dataset.error), dataset.error
    assert dataset.latest is None
    assert not Image.objects.exists()
    assert not RejectedFile.objects.exists()
    assert not dataset.labels.exists()
    assert stored_files(data_dir) == []
    assert not list(data_dir.parent.rglob("evil*"))


def test_a_failed_second_upload_leaves_the_first_version_as_it_was(alice: User, data_dir: Path) -> None:
    dataset = imported_dataset(alice)
    before = sorted(stored_files(data_dir))
    upload = import_files(dataset, make_zip(label_files())[:-400])
    assert upload.state == Upload.State.FAILED
    assert dataset.state == Dataset.State.READY
    assert dataset.error == upload.error
    assert dataset.latest is not None
    assert dataset.latest.number == 1
    assert sorted(stored_files(data_dir)) == before


def test_the_same_zip_again_adds_nothing_and_says_so(alice: User, data_dir: Path) -> None:
    dataset = imported_dataset(alice)
    before = sorted(stored_files(data_dir))
    upload = import_files(dataset, label_files())
    assert (upload.state, upload.accepted, upload.rejected, upload.total) == ("finished", 0, 16, 16)
    assert (dataset.state, dataset.error, upload.version) == (Dataset.State.READY, "", None)
    copies = dict(upload.rejected_files.values_list("name", "sha256"))
    assert copies == dict(Image.objects.values_list("name", "sha256"))
    assert dataset.versions.count() == 1
    assert sorted(stored_files(data_dir)) == before


def test_a_data_set_may_begin_with_a_few_pictures_of_one_label(alice: User) -> None:
    dataset = make_dataset(alice)
    assert import_files(dataset, label_files(("red",), each=2)).accepted == 2
    assert import_files(dataset, label_files(("green",), each=1)).accepted == 1
    assert dataset.latest is not None
    assert services.label_counts(dataset.latest) == {"green": 1, "red": 2}


def test_the_failed_data_set_takes_a_better_zip(alice: User) -> None:
    dataset = make_dataset(alice)
    import_files(dataset, make_zip({}))
    upload = import_files(dataset, label_files())
    assert upload.state == Upload.State.FINISHED
    assert (dataset.state, dataset.error) == (Dataset.State.READY, "")
