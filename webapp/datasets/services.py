"""The only writer of data sets: pages, the API and tasks go through these functions."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from search_engine.data.manifest import Manifest, Picture, write_manifest
from webapp.core.errors import UserError
from webapp.core.queue import enqueue
from webapp.datasets import caches, sample, storage
from webapp.datasets.models import Dataset, DatasetVersion, Image, ImageLabel, RejectedFile, Upload
from webapp.datasets.tasks import import_upload

if TYPE_CHECKING:
    from webapp.accounts.models import User


@dataclass(frozen=True, slots=True)
class Counts:
    """Files that became pictures, files that did not, and both together."""

    accepted: int
    rejected: int

    @property
    def total(self) -> int:
        return self.accepted + self.rejected


def create_dataset(*, owner: User, name: str) -> Dataset:
    """An empty data set."""
    return Dataset.objects.create(owner=owner, name=checked_name(name))


def rename_dataset(*, dataset: Dataset, name: str) -> Dataset:
    dataset.name = checked_name(name)
    dataset.save(update_fields=["name"])
    return dataset


def checked_name(name: str) -> str:
    """The name as it is stored.

    Raises:
        UserError: it is empty or too long.
    """
    # Half a surrogate pair, which JSON can carry, is no character and cannot be stored.
    name = " ".join(name.replace("\0", "").encode(errors="ignore").decode().split())
    if not name:
        raise UserError("invalid_name", "Give the data set a name.")
    if len(name) > 120:
        raise UserError(
            "invalid_name", f"This name has {len(name)} characters; at most 120 will do. Shorten it."
        )
    return name


def receive_upload(*, dataset: Dataset, file: UploadedFile[Any], label: str = "") -> Upload:
    """Keep an uploaded file and have it imported; what is in it is looked at by the import.

    Args:
        label: for pictures in it that come without one.

    Raises:
        UserError: the file is empty or too large.
    """
    name = Path((file.name or "").replace("\\", "/")).name[:255] or "upload.zip"
    size = file.size or 0
    if size == 0:
        raise UserError("empty_file", f"The file {name} is empty. Make the zip again and send it again.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES / 1024**3
        raise UserError("too_large", f"{name} is too large: at most {limit:g} GB can be sent.", status=413)
    path = storage.new_upload_name()
    target = Path(settings.DATA_DIR) / path
    try:
        keep_file(file, target)
        return add_upload(dataset, name=name, path=path, size=size, label=label)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def keep_file(file: UploadedFile[Any], target: Path) -> None:
    """Move an upload to where it waits; once this returns, it survives a crash."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if isinstance(file, TemporaryUploadedFile):
        shutil.move(file.temporary_file_path(), target)  # a rename: both lie under DATA_DIR
    else:
        with target.open("wb") as out:
            copy_chunks(file, out)
    target.chmod(0o600)
    storage.sync_file(target)
    storage.sync_folder(target.parent)


def copy_chunks(file: UploadedFile[Any], out: IO[bytes]) -> None:
    for chunk in file.chunks():
        out.write(chunk)


def add_upload(
    dataset: Dataset,
    *,
    name: str,
    path: str,
    size: int,
    label: str = "",
    kind: Upload.Kind = Upload.Kind.FILE,
) -> Upload:
    """The row of an upload, and the task that imports it, after those that were added before.

    Args:
        path: relative to DATA_DIR; the import removes the file. Of ``Kind.SERVER``, absolute, and left alone.
        label: for pictures that come without one.

    Raises:
        UserError: the data set was deleted.
    """
    with transaction.atomic():
        if not Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.IMPORTING, error=""):
            raise UserError(
                "deleted", f"“{dataset.name}” was deleted, so nothing can be added to it.", status=404
            )
        upload = Upload.objects.create(
            dataset=dataset,
            name=name,
            path=path,
            size=size,
            label=label,
            kind=kind,
            enqueued_at=timezone.now(),
        )
        enqueue(import_upload, upload.pk)
    dataset.refresh_from_db()
    return upload


def import_sample(*, owner: User) -> Dataset:
    """A data set of handwritten digits, imported like any other; the task writes its zip first."""
    with transaction.atomic():
        dataset = create_dataset(owner=owner, name=sample.NAME)
        path = storage.new_upload_name()
        add_upload(dataset, name=sample.FILE_NAME, path=path, size=0, kind=Upload.Kind.SAMPLE)
    return dataset


def delete_dataset(*, dataset: Dataset) -> None:
    """Remove a data set with its pictures, and with the searches and models made from it.

    Raises:
        UserError: a search is at work on it.
    """
    if dataset.versions.filter(searches__state__in=("queued", "running")).exists():
        raise UserError(
            "busy",
            f"A search is at work on “{dataset.name}”. Stop it first, then delete the data set.",
            status=409,
        )
    pk = dataset.pk  # gone from the object once it is deleted
    ours = dataset.uploads.exclude(kind=Upload.Kind.SERVER)  # what lies elsewhere on the server is not ours
    paths = [*ours.values_list("path", flat=True), *dataset.transfers.values_list("path", flat=True)]
    waiting = [Path(settings.DATA_DIR) / path for path in paths]
    with transaction.atomic():
        transaction.on_commit(lambda: remove_files(pk, waiting), robust=True)
        dataset.delete()


def remove_files(dataset_id: int, uploads: list[Path]) -> None:
    for path in uploads:
        path.unlink(missing_ok=True)
    caches.discard_caches(dataset_id)
    storage.discard_files(dataset_id)


def version_images(version: DatasetVersion) -> QuerySet[Image]:
    """The pictures of a version, in a fixed order."""
    return Image.objects.filter(
        Q(removed_in=None) | Q(removed_in__number__gt=version.number),
        dataset_id=version.dataset_id,
        added_in__number__lte=version.number,
    ).order_by("pk")


def label_counts(version: DatasetVersion) -> dict[str, int]:
    """How many pictures carry each label, by name."""
    counts: dict[str, int] = version.summary.get("labels", {})
    return dict(sorted(counts.items()))


def import_counts(dataset: Dataset) -> Counts:
    """What became of the files of all uploads; one that failed left nothing and counts for nothing."""
    sums = dataset.uploads.exclude(state=Upload.State.FAILED).aggregate(a=Sum("accepted"), r=Sum("rejected"))
    return Counts(accepted=sums["a"] or 0, rejected=sums["r"] or 0)


def latest_upload(dataset: Dataset) -> Upload | None:
    return dataset.uploads.order_by("-pk").first()


def rejected_files(dataset: Dataset) -> QuerySet[RejectedFile]:
    """The files of all uploads that did not become pictures, each with its reason."""
    return RejectedFile.objects.filter(upload__dataset=dataset).order_by("pk")


def write_version_manifest(version: DatasetVersion) -> Path:
    """The list of a version's pictures for the engine; written once, since sealed versions never change.

    Raises:
        ValueError: the version is open for edits: its list would be out of date with the next.
    """
    if version.state != DatasetVersion.State.SEALED:
        raise ValueError(f"{version} is not sealed")
    folder = storage.dataset_folder(version.dataset_id)
    path = folder / "manifests" / f"v{version.number}.jsonl"
    if not path.exists():
        write_manifest(version_manifest(version), path)
    return path


def version_manifest(version: DatasetVersion) -> Manifest:
    """The list of a version's pictures as the engine gets it.

    Pictures without a label are left out, and so are those of several where the data set's task is one label
    a picture.
    """
    task = version.dataset.task
    found = several_label_pictures if task == Dataset.Task.MULTI else single_label_pictures
    pictures = tuple(found(version))
    labels = tuple(sorted({label for picture in pictures for label in picture.all_labels}))
    # Relative to the list itself: DATA_DIR may be moved, or have another name on another machine.
    return Manifest(Path("../images"), labels, pictures, task)


def single_label_pictures(version: DatasetVersion) -> list[Picture]:
    return [
        replace(picture, label=picture.labels[0], labels=())
        for picture in several_label_pictures(version)
        if len(picture.labels) == 1
    ]


def several_label_pictures(version: DatasetVersion) -> list[Picture]:
    """All that have a label. One without is not known to have none: nobody has looked at it yet."""
    links = (
        ImageLabel.objects.filter(
            Q(removed_in=None) | Q(removed_in__number__gt=version.number),
            added_in__number__lte=version.number,
            image__in=version_images(version),
        )
        .order_by("image_id", "label__name")
        .values_list(
            "image_id", "label__name", "image__sha256", "image__format", "image__split", "image__group"
        )
    )
    pictures: dict[int, Picture] = {}
    for pk, label, sha256, image_format, split, group in links.iterator(chunk_size=5000):
        known = pictures.get(pk)
        pictures[pk] = (
            replace(known, labels=(*known.labels, label))
            if known
            else Picture(
                id=pk,
                path=storage.image_name(sha256, image_format),
                label="",
                split=split,
                group=group or sha256,
                labels=(label,),
            )
        )
    return list(pictures.values())
