"""The doctor's rounds: what ``search_engine.data.doctor`` finds in the latest version, as rows.

The only writer of findings. Running it again changes nothing; what a person ignored stays ignored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from search_engine.data import doctor
from search_engine.data.doctor import Kind, PictureFacts, RefusedFile
from webapp.datasets.models import Dataset, DatasetVersion, Finding, Image, ImageLabel, RejectedFile, Upload
from webapp.datasets.versions import latest_version

KINDS = frozenset(Kind) - {Kind.SUSPECT_LABEL}
BATCH = 2000
T = TypeVar("T")
MEASURED = ("brightness", "contrast", "sharpness", "is_gray")


def diagnose(dataset_id: int) -> None:
    """Look for everything that is wrong with the latest version of a data set, and write it down."""
    dataset = Dataset.objects.get(pk=dataset_id)
    version = dataset.latest
    if version is None:
        return
    found = doctor.diagnose(
        facts_of(version),
        refused_files(dataset),
        empty_labels=empty_labels(dataset),
        several_labels=dataset.task == Dataset.Task.MULTI,
    )
    with transaction.atomic():
        Dataset.objects.select_for_update().filter(pk=dataset_id).first()
        now = latest_version(dataset_id)
        # Whoever has changed the data set since we looked has it looked at again, and may be done with that.
        if now and (now.pk, now.changed_at) == (version.pk, version.changed_at):
            store_findings(version, found, kinds=KINDS)


def edit_time(version: DatasetVersion) -> int:
    """When a version was edited last, in microseconds; 0 if never."""
    return round(version.changed_at.timestamp() * 1e6) if version.changed_at else 0


def diagnose_edited(dataset_id: int, edited_at: int) -> None:
    """As ``diagnose``, unless the data set was edited since: of a hundred edits in a row the last counts."""
    dataset = Dataset.objects.filter(pk=dataset_id).first()
    if dataset and dataset.latest and edit_time(dataset.latest) <= edited_at:
        diagnose(dataset_id)


def facts_of(version: DatasetVersion) -> list[PictureFacts]:
    """The pictures of a version as the doctor looks at them."""
    there = Q(removed_in=None) | Q(removed_in__number__gt=version.number)
    links = ImageLabel.objects.filter(
        there,
        image__dataset=version.dataset_id,
        added_in__number__lte=version.number,
    )
    labels: dict[int, list[str]] = defaultdict(list)
    for pk, label in links.values_list("image_id", "label__name").iterator(chunk_size=5000):
        labels[pk].append(label)
    images = Image.objects.filter(
        there, dataset=version.dataset_id, added_in__number__lte=version.number
    ).order_by("pk")
    rows = images.values_list("pk", "name", "sha256", "split", "group", "width", "height", *MEASURED)
    return [
        PictureFacts(pk, name, sha256, tuple(sorted(labels.get(pk, ()))), *rest)
        for pk, name, sha256, *rest in rows.iterator(chunk_size=5000)
    ]


def refused_files(dataset: Dataset) -> Iterator[RefusedFile]:
    """Files that did not become pictures, but for pictures that were sent again under the name they have."""
    came = defaultdict(set)  # names and uploads of each content
    images = Image.objects.filter(dataset=dataset)
    for sha256, name, version in images.values_list("sha256", "name", "added_in").iterator(chunk_size=5000):
        came[sha256].add((PurePosixPath(name).name, version))
    rows = RejectedFile.objects.filter(upload__dataset=dataset, upload__state=Upload.State.FINISHED)
    for name, code, reason, sha256, version in rows.values_list(
        "name", "code", "reason", "sha256", "upload__version"
    ).iterator(chunk_size=5000):
        again = any(
            PurePosixPath(name).name == before and version != where for before, where in came.get(sha256, ())
        )
        if not (code == "duplicate" and again):
            yield RefusedFile(name, code, reason, sha256)


def empty_labels(dataset: Dataset) -> dict[str, str]:
    """Labels in whose folders no picture was, of all imports, with the names of these folders as uploaded."""
    found: dict[str, str] = {}
    for summary in dataset.versions.order_by("number").values_list("summary", flat=True):
        folders = summary.get("empty_folders", {})
        found |= {label: folders.get(label, label) for label in summary.get("empty_labels", ())}
    return found


@transaction.atomic
def store_findings(
    version: DatasetVersion, found: Iterable[doctor.Finding], *, kinds: Collection[str]
) -> None:
    """Make the rows of some kinds of findings agree with what was found in a version.

    OPEN ones that were not found again become FIXED; FIXED ones that were become OPEN again.
    """
    by_key = {finding.key: finding for finding in found}
    rows = {row.key: row for row in Finding.objects.filter(dataset=version.dataset_id, kind__in=kinds)}
    Finding.objects.bulk_create(
        (row_of(version, finding) for key, finding in by_key.items() if key not in rows), batch_size=BATCH
    )
    again = [row for key, row in rows.items() if key in by_key]
    for row in again:
        finding = by_key[row.key]
        row.version, row.severity, row.message = version, finding.severity.value, finding.message
        row.files = list(finding.files)
        if row.state == Finding.State.FIXED:
            row.state = Finding.State.OPEN
    Finding.objects.bulk_update(again, ["version", "severity", "message", "files", "state"], batch_size=500)
    gone = [row.pk for key, row in rows.items() if key not in by_key and row.state == Finding.State.OPEN]
    for some in batches(gone):
        Finding.objects.filter(pk__in=some).update(state=Finding.State.FIXED)
    link_pictures(version.dataset_id, by_key)


def row_of(version: DatasetVersion, finding: doctor.Finding) -> Finding:
    return Finding(
        dataset_id=version.dataset_id,
        version=version,
        kind=finding.kind.value,
        severity=finding.severity.value,
        key=finding.key,
        message=finding.message,
        files=list(finding.files),
    )


def link_pictures(dataset_id: int, by_key: dict[str, doctor.Finding]) -> None:
    """Have findings point to the pictures that they are about now."""
    through = Finding.images.through
    pks = dict(Finding.objects.filter(dataset=dataset_id).values_list("key", "pk"))
    wanted = {(pks[key], picture) for key, finding in by_key.items() for picture in finding.pictures}
    ours = {pks[key] for key in by_key}
    links = through.objects.filter(finding__dataset=dataset_id)
    have = {
        (finding, image): pk
        for pk, finding, image in links.values_list("pk", "finding_id", "image_id").iterator(chunk_size=5000)
        if finding in ours
    }
    stale = [pk for pair, pk in have.items() if pair not in wanted]
    for some in batches(stale):
        through.objects.filter(pk__in=some).delete()
    through.objects.bulk_create(
        (through(finding_id=finding, image_id=image) for finding, image in sorted(wanted - have.keys())),
        batch_size=BATCH,
    )


def ignore_findings(*, findings: QuerySet[Finding]) -> int:
    """Say that findings are no trouble; they stay so when they are found again. How many were open."""
    return findings.filter(state=Finding.State.OPEN).update(state=Finding.State.IGNORED)


def reopen_findings(*, findings: QuerySet[Finding]) -> int:
    """Take that back. How many were ignored."""
    return findings.filter(state=Finding.State.IGNORED).update(state=Finding.State.OPEN)


def note_mended(*, dataset: Dataset, findings: Collection[int]) -> None:
    """Findings whose pictures were edited just now; if one is still there, it is found again."""
    rows = Finding.objects.filter(dataset=dataset, state=Finding.State.OPEN)
    for some in batches(sorted(findings)):
        rows.filter(pk__in=some).update(state=Finding.State.FIXED)


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
