"""Pictures drawn by code, zips of them, and rows to start from."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from webapp.accounts.models import User
from webapp.datasets import services
from webapp.datasets.importing import run_import
from webapp.datasets.models import Dataset, DatasetVersion, ImageLabel, Label, Upload
from webapp.datasets.models import Image as ImageRow

COLORS = {"red": (200, 40, 30), "green": (40, 160, 60), "blue": (40, 70, 200)}
SPLITS = ("train", "train", "train", "validation", "test")


def draw_picture(
    seed: int = 0,
    *,
    color: tuple[int, int, int] = COLORS["red"],
    size: tuple[int, int] = (32, 24),
    file_format: str = "PNG",
    **options: Any,
) -> bytes:
    """A picture file: a field of one colour with a few seeded boxes, so that no two seeds are alike."""
    rng = random.Random(f"{seed}:{color}")
    image = Image.new("RGB", size, color)
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        draw.rectangle((x, y, x + 5, y + 4), fill=tuple(rng.randrange(256) for _ in range(3)))
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def make_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, by name."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def label_files(
    labels: Sequence[str] = ("green", "red"), *, each: int = 8, first: int = 0
) -> dict[str, bytes]:
    """Files of a good data set: ``each`` pictures in a folder a label."""
    return {
        f"{label}/{number:03d}.png": draw_picture(number, color=color_of(label))
        for label in labels
        for number in range(first, first + each)
    }


def color_of(label: str) -> tuple[int, int, int]:
    """The colour that a label's name says, or one made up from the name."""
    red, green, blue = COLORS.get(label) or hashlib.sha256(label.encode()).digest()[:3]
    return red, green, blue


def zip_upload(files: Mapping[str, bytes] | bytes, name: str = "pictures.zip") -> SimpleUploadedFile:
    """An uploaded file as a view gets it; bytes are taken as they are, files are zipped."""
    data = files if isinstance(files, bytes) else make_zip(files)
    return SimpleUploadedFile(name, data, content_type="application/zip")


def make_dataset(owner: User, *, name: str = "Colours", **values: Any) -> Dataset:
    return Dataset.objects.create(owner=owner, name=name, **values)


def import_files(dataset: Dataset, files: Mapping[str, bytes] | bytes) -> Upload:
    """Upload and import, as people and workers would; the upload as it then is."""
    upload = services.receive_upload(dataset=dataset, file=zip_upload(files))
    run_import(upload.pk)
    upload.refresh_from_db()
    dataset.refresh_from_db()
    return upload


def imported_dataset(
    owner: User, *, files: Mapping[str, bytes] | None = None, name: str = "Colours"
) -> Dataset:
    """A data set that is ready, with real files on disk."""
    dataset = make_dataset(owner, name=name)
    upload = import_files(dataset, files or label_files())
    assert upload.state == Upload.State.FINISHED, upload.error
    return dataset


def make_version(owner: User, *, labels: Sequence[str] = ("green", "red"), each: int = 10) -> DatasetVersion:
    """A version as rows only, for tests that look at no file; one in five pictures is for the test."""
    dataset = make_dataset(owner, state=Dataset.State.READY)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, pictures=len(labels) * each)
    splits = dict.fromkeys(("train", "validation", "test"), 0)
    for name in labels:
        label = Label.objects.create(dataset=dataset, name=name)
        for number in range(each):
            split = SPLITS[number % len(SPLITS)]
            splits[split] += 1
            image = ImageRow.objects.create(
                dataset=dataset,
                added_in=version,
                name=f"{name}/{number}.png",
                sha256=hashlib.sha256(f"{name}/{number}".encode()).hexdigest(),
                format="PNG",
                width=32,
                height=24,
                size=100,
                split=split,
            )
            ImageLabel.objects.create(image=image, label=label, added_in=version)
    version.summary = {"labels": dict.fromkeys(labels, each), "splits": splits}
    version.save(update_fields=["summary"])
    return version
