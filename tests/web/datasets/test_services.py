"""Making, naming, filling and deleting data sets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from search_engine.data.manifest import read_manifest
from tests.web.factories import (
    import_files,
    imported_dataset,
    label_files,
    make_dataset,
    make_version,
    make_zip,
    zip_upload,
)
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets import services, storage
from webapp.datasets.models import Dataset, Image, ImageLabel, Label, Upload
from webapp.datasets.tasks import import_upload
from webapp.searches.models import Search

Enqueued = list[tuple[str, tuple[int, ...]]]


def test_it_makes_an_empty_data_set(alice: User) -> None:
    dataset = services.create_dataset(owner=alice, name="  Bottles \n and cans ")
    assert (dataset.owner, dataset.name, dataset.state) == (alice, "Bottles and cans", Dataset.State.EMPTY)


@pytest.mark.parametrize("name", ["", "   ", "\0", "x" * 121])
def test_it_refuses_a_name_that_will_not_do(alice: User, name: str) -> None:
    with pytest.raises(UserError) as error:
        services.create_dataset(owner=alice, name=name)
    assert error.value.code == "invalid_name"
    dataset = make_dataset(alice)
    with pytest.raises(UserError):
        services.rename_dataset(dataset=dataset, name=name)


def test_it_renames(alice: User) -> None:
    dataset = make_dataset(alice)
    services.rename_dataset(dataset=dataset, name="Farben")
    dataset.refresh_from_db()
    assert dataset.name == "Farben"


def test_it_receives_an_upload_and_enqueues_its_import(
    alice: User, enqueued: Enqueued, data_dir: Path
) -> None:
    dataset = make_dataset(alice)
    content = make_zip(label_files())
    upload = services.receive_upload(dataset=dataset, file=zip_upload(content, "../my cats.zip"))
    assert (upload.name, upload.size, upload.state) == ("my cats.zip", len(content), Upload.State.QUEUED)
    assert dataset.state == Dataset.State.IMPORTING
    assert enqueued == [("import_upload", (upload.pk,))]
    kept = data_dir / upload.path
    assert kept.parent == data_dir / "uploads"
    assert "cats" not in kept.name
    assert kept.read_bytes() == content
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_it_moves_a_file_that_arrived_on_disk(alice: User, data_dir: Path) -> None:
    file = TemporaryUploadedFile("pictures.zip", "application/zip", 4, None)
    file.write(b"some")
    file.flush()
    upload = services.receive_upload(dataset=make_dataset(alice), file=file)
    file.close()
    assert (data_dir / upload.path).read_bytes() == b"some"
    assert list((data_dir / "tmp").iterdir()) == []


def test_it_refuses_an_empty_file(alice: User, data_dir: Path) -> None:
    dataset = make_dataset(alice)
    with pytest.raises(UserError, match=r"nothing\.zip is empty"):
        services.receive_upload(dataset=dataset, file=SimpleUploadedFile("nothing.zip", b""))
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.EMPTY
    assert list((data_dir / "uploads").iterdir()) == []


def test_it_refuses_a_file_over_the_limit(alice: User, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    with pytest.raises(UserError) as error:
        services.receive_upload(dataset=make_dataset(alice), file=zip_upload(b"x" * 101))
    assert (error.value.code, error.value.status) == ("too_large", 413)


def test_the_sample_is_1797_digits_in_ten_labels(alice: User, enqueued: Enqueued, data_dir: Path) -> None:
    dataset = services.import_sample(owner=alice)
    assert dataset.state == Dataset.State.IMPORTING
    upload = dataset.uploads.get()
    assert enqueued == [("import_upload", (upload.pk,))]
    import_upload(upload.pk)
    upload.refresh_from_db()
    dataset.refresh_from_db()
    assert (upload.state, upload.accepted, upload.rejected) == ("finished", 1797, 0), upload.error
    assert upload.size > 0
    assert dataset.latest is not None
    assert list(services.label_counts(dataset.latest)) == [str(digit) for digit in range(10)]
    image = dataset.images.first()
    assert image is not None
    assert (image.format, image.width, image.height) == ("PNG", 32, 32)
    assert list((data_dir / "uploads").iterdir()) == []


def test_it_deletes_rows_and_files(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    dataset, other = imported_dataset(alice), imported_dataset(alice)
    folder = storage.dataset_folder(dataset.pk)
    assert folder.exists()
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_dataset(dataset=dataset)
    assert not folder.exists()
    assert storage.dataset_folder(other.pk).exists()
    assert set(Image.objects.values_list("dataset_id", flat=True)) == {other.pk}


def test_it_deletes_the_upload_that_waits(
    alice: User, data_dir: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    dataset = make_dataset(alice)
    services.receive_upload(dataset=dataset, file=zip_upload(label_files()))
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_dataset(dataset=dataset)
    assert list((data_dir / "uploads").iterdir()) == []


def test_it_does_not_delete_what_a_search_works_on(alice: User) -> None:
    version = make_version(alice)
    search = Search.objects.create(owner=alice, version=version, budget_minutes=1, state=Search.State.RUNNING)
    with pytest.raises(UserError, match="Stop it first"):
        services.delete_dataset(dataset=version.dataset)
    Search.objects.filter(pk=search.pk).update(state=Search.State.FINISHED)
    services.delete_dataset(dataset=version.dataset)
    assert not Dataset.objects.exists()


def test_the_manifest_lists_the_pictures_of_the_version(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=8))
    first = dataset.latest
    assert first is not None
    path = services.write_version_manifest(first)
    manifest = read_manifest(path)
    assert manifest.labels == ("green", "red")
    assert len(manifest.pictures) == 16
    rows = {image.pk: image for image in Image.objects.filter(dataset=dataset)}
    for picture in manifest.pictures:
        row = rows[picture.id]
        assert (manifest.root / picture.path) == storage.image_path(row)
        assert (manifest.root / picture.path).is_file()
        assert (picture.split, picture.group) == (row.split, row.sha256)
        assert row.name.startswith(picture.label)


def test_the_manifest_of_a_version_does_not_change_with_the_next(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=8))
    first = dataset.latest
    assert first is not None
    before = services.write_version_manifest(first).read_bytes()
    import_files(dataset, label_files(("blue",), each=8))
    services.write_version_manifest(first).unlink()
    assert services.write_version_manifest(first).read_bytes() == before
    second = dataset.latest
    assert second is not None
    assert len(read_manifest(services.write_version_manifest(second)).pictures) == 24


def test_the_manifest_is_still_right_after_the_data_folder_has_moved(
    alice: User, data_dir: Path, settings: Settings
) -> None:
    dataset = imported_dataset(alice)
    assert dataset.latest
    services.write_version_manifest(dataset.latest)
    settings.DATA_DIR = data_dir.rename(data_dir.with_name("elsewhere"))
    manifest = read_manifest(services.write_version_manifest(dataset.latest))
    assert all((manifest.root / picture.path).is_file() for picture in manifest.pictures)


def test_the_manifest_leaves_out_pictures_with_several_labels(alice: User) -> None:
    version = make_version(alice, each=5)
    image = Image.objects.filter(image_labels__label__name="red").first()
    assert image is not None
    green = Label.objects.get(name="green")
    ImageLabel.objects.create(image=image, label=green, added_in=version)
    ids = {picture.id for picture in read_manifest(services.write_version_manifest(version)).pictures}
    assert ids == set(Image.objects.values_list("pk", flat=True)) - {image.pk}


def test_removed_pictures_and_labels_stay_in_the_versions_before(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=8))
    first = dataset.latest
    assert first is not None
    import_files(dataset, label_files(("blue",), each=8))
    second = dataset.latest
    assert second is not None
    gone = services.version_images(first).first()
    assert gone is not None
    Image.objects.filter(pk=gone.pk).update(removed_in=second)
    assert gone in services.version_images(first)
    assert gone not in services.version_images(second)
    assert gone.pk in {picture.id for picture in services.single_label_pictures(first)}
    assert gone.pk not in {picture.id for picture in services.single_label_pictures(second)}
