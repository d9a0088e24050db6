"""A version as files that other tools read, and that can be imported here again: a zip, or a list.

Everything is streamed: neither a zip nor a list is ever whole in memory or on disk.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from webapp.core.errors import UserError
from webapp.datasets import storage
from webapp.datasets.models import Dataset, DatasetVersion, Image
from webapp.datasets.wall import Moment

ROWS = 2000  # pictures that are in memory at once
BLOCK = 256 * 1024
FORMS = ("zip", "splits", "jsonl")
FOLDERS = {Image.Split.TRAIN: "train", Image.Split.VALIDATION: "val", Image.Split.TEST: "test"}
VERTEX_USES = {
    Image.Split.TRAIN: "training",
    Image.Split.VALIDATION: "validation",
    Image.Split.TEST: "test",
}
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')  # in a file's name on some system or other
NAME_LETTERS = 120  # with folders, and on every file system in use, a name of these is short enough


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture on its way out: where it goes in the zip, and where its bytes are."""

    path: str
    file: Path
    labels: tuple[str, ...]
    split: str


class Sink:
    """A file for ``zipfile`` that cannot be read or wound back; what was written is taken out of it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def check_exportable(version: DatasetVersion) -> None:
    """Refuse a version that may change while it goes out.

    Raises:
        UserError: it is open.
    """
    if version.state != DatasetVersion.State.SEALED:
        raise UserError(
            "version_open",
            f"Version {version.number} is still open for changes. Save it first, then export it.",
            status=409,
        )


def stream_zip(version: DatasetVersion, *, splits: bool = False) -> Iterator[bytes]:
    """A zip of the version's pictures, byte for byte as they came.

    With one label a picture there is a folder a label; pictures without one lie beside these. With several
    labels the pictures are in ``images`` and ``labels.csv`` says in Vertex AI's form what each shows.

    Args:
        splits: put all that into the folders train, val and test.
    """
    check_exportable(version)
    return zipped(version, list_of_uses=is_multi(version), splits=splits)


def zipped(version: DatasetVersion, *, list_of_uses: bool, splits: bool) -> Iterator[bytes]:
    sink, missing = Sink(), []
    lines = io.StringIO()
    writer = csv.writer(lines)
    with ZipFile(sink, "w", ZIP_STORED) as archive:  # type: ignore[call-overload]  # it only writes
        for entry in entries(version, splits=splits):
            try:
                source = entry.file.open("rb")
            except FileNotFoundError:
                missing.append(entry.path)
                continue
            with source, archive.open(info_of(entry.path, entry.file.stat().st_size), "w") as out:
                while block := source.read(BLOCK):
                    out.write(block)
                    yield sink.take()
            if list_of_uses:
                writer.writerow([VERTEX_USES[Image.Split(entry.split)], entry.path, *entry.labels])
        if list_of_uses:
            archive.writestr(info_of("labels.csv"), lines.getvalue())
        if missing:
            text = "\n".join(["These files are not on the server's disk any more:", *missing, ""])
            archive.writestr(info_of("missing.txt"), text)
    yield sink.take()


def info_of(path: str, size: int = 0) -> ZipInfo:
    """The head of a file in the zip; without a date, so that the same version gives the same bytes."""
    info = ZipInfo(path)
    info.file_size = size
    info.external_attr = 0o644 << 16
    return info


def stream_jsonl(version: DatasetVersion) -> Iterator[bytes]:
    """The version's pictures as JSON lines in Vertex AI's form, with the paths that the zip has."""
    check_exportable(version)
    return (json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in vertex_lines(version))


def vertex_lines(version: DatasetVersion) -> Iterator[dict[str, object]]:
    multi = is_multi(version)
    for entry in entries(version):
        named = [{"displayName": label} for label in entry.labels]
        labels: dict[str, object] = {}
        if multi:
            labels = {"classificationAnnotations": named}
        elif named:
            labels = {"classificationAnnotation": named[0]}
        use = VERTEX_USES[Image.Split(entry.split)]
        yield {
            "imageGcsUri": entry.path,
            **labels,
            "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": use},
        }


def entries(version: DatasetVersion, *, splits: bool = False) -> Iterator[Entry]:
    """The version's pictures in a fixed order, each under a path of its own."""
    moment, multi = Moment(version), is_multi(version)
    last, taken, folder_of = 0, Taken(), folders_of(version.summary.get("labels", {}))
    while True:
        rows = list(moment.images().filter(pk__gt=last).order_by("pk")[:ROWS])
        if not rows:
            return
        last = rows[-1].pk
        labels: dict[int, list[str]] = defaultdict(list)
        links = moment.links().filter(image__in=[row.pk for row in rows]).order_by("label__name")
        for image, name in links.values_list("image_id", "label__name"):
            labels[image].append(name)
        for row in rows:
            names = tuple(labels[row.pk])
            groups: list[tuple[str, ...]] = [names] if multi or not names else [(name,) for name in names]
            for group in groups:
                folders = [FOLDERS[Image.Split(row.split)]] if splits else []
                folders += ["images"] if multi else [folder_of[name] for name in group]
                path = taken.free("/".join([*folders, file_name(row)]))
                yield Entry(path, storage.image_path(row), group, row.split)


def folders_of(labels: Iterable[str]) -> dict[str, str]:
    """A folder for each label, of its name if that can be: no two labels share one, and none is nameless."""
    folders: dict[str, str] = {}
    for label in sorted(labels, key=lambda label: (safe_name(label) != label, label)):
        folder = first = safe_name(label) or "_"
        number = 1
        while folder in folders.values():
            number += 1
            folder = f"{first}-{number}"
        folders[label] = folder
    return folders


class Taken:
    """The paths that are given already; where capitals do not count, two that differ in them clash."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def free(self, path: str) -> str:
        """The path, or the first like it that is not taken: ``cat/1.jpg``, ``cat/1-2.jpg``, ..."""
        stem, suffix = str(PurePosixPath(path).with_suffix("")), PurePosixPath(path).suffix
        number = 1
        while path.casefold() in self.paths:
            number += 1
            path = f"{stem}-{number}{suffix}"
        self.paths.add(path.casefold())
        return path


def file_name(image: Image) -> str:
    """The last part of the picture's name, with the ending of what it is."""
    name = PurePosixPath(image.name.replace("\\", "/")).name
    stem = safe_name(PurePosixPath(name).stem)[:NAME_LETTERS] or image.sha256[:12]
    ending = PurePosixPath(storage.image_name(image.sha256, image.format)).suffix
    suffix = PurePosixPath(name).suffix.lower()
    same = suffix in (ending, ".jpeg" if ending == ".jpg" else ".tiff" if ending == ".tif" else ending)
    return f"{stem}{PurePosixPath(name).suffix if same else ending}"


def safe_name(name: str) -> str:
    """A name that is one on every system: no path, nothing hidden, no ending in a dot or a space."""
    return UNSAFE.sub("_", name).strip(" .")


def is_multi(version: DatasetVersion) -> bool:
    return version.dataset.task == Dataset.Task.MULTI


def export(version: DatasetVersion, form: str) -> tuple[str, str, Iterable[bytes]]:
    """File name, media type and bytes of an export.

    Raises:
        UserError: the version is open, or there is no such form.
    """
    if form not in FORMS:
        raise UserError("bad_form", f"There is no export “{form}”; choose one of {', '.join(FORMS)}.")
    stem = f"{safe_name(version.dataset.name)[:NAME_LETTERS] or 'pictures'}-v{version.number}"
    if form == "jsonl":
        return f"{stem}.jsonl", "application/jsonl", stream_jsonl(version)
    return f"{stem}.zip", "application/zip", stream_zip(version, splits=form == "splits")
