"""Pictures and versions of a data set over HTTP: look, change many at once, save, take away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.db import transaction
from django.http import StreamingHttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import StringConstraints

from webapp.api.schemas import ErrorOut
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import editing, exporting, versions, wall
from webapp.datasets.models import Dataset, DatasetVersion, Edit, Image
from webapp.datasets.views.export import streamed

router = Router()

MOST = 500  # pictures in one answer
EDITED_MOST = 10_000  # pictures in one request
Name = Annotated[str, StringConstraints(max_length=255)]
Key = Annotated[int, Field(ge=1, le=2**62)]


class PictureQuery(Schema):
    """Which pictures; all of them by default, in a fixed mixture."""

    label: str = Field("", description="Name of a label.")
    unlabelled: bool = Field(default=False, description="Only pictures without a label.")
    split: Literal["", "train", "validation", "test"] = ""
    finding: str = Field("", description="A kind of finding, such as `blurry`.")
    size: Literal["", "small", "large"] = Field("", description="By the shorter side.")
    model: Literal["", "right", "wrong", "unsure"] = Field("", description="What the newest model says.")
    name: str = Field("", description="Part of the name.")
    sort: Literal["", "newest", "name", "suspicion", "confidence"] = ""
    removed: bool = Field(default=False, description="Those that were removed, not those that are there.")
    version: int | None = Field(None, ge=1, le=2**31, description="Number of a version; else the latest.")
    after: int | None = Field(None, ge=0, le=2**62, description="`next` of the page before.")
    limit: int = Field(100, ge=1, le=MOST)


class OpinionOut(Schema):
    label: str
    confidence: float
    suspicion: float = Field(description="How likely the picture's label is wrong, 0 to 1.")


class PictureOut(Schema):
    id: int = Field(description="Changes when the picture moves to another split or is restored.")
    name: str = Field(description="Path inside the upload.")
    labels: list[str]
    split: str
    width: int
    height: int
    size: int = Field(description="Bytes.")
    format: str
    sha256: str
    findings: list[str] = Field(description="Kinds of what the doctor found.")
    opinion: OpinionOut | None = Field(description="What the newest model says, if there is one.")

    @classmethod
    def of(cls, image: Image) -> PictureOut:
        """Of a row that ``wall.page_of`` gave."""
        opinion = getattr(image, "opinion", None)
        return cls(
            id=image.pk,
            name=image.name,
            labels=[link.label.name for link in image.shown],  # type: ignore[attr-defined]
            split=image.split,
            width=image.width,
            height=image.height,
            size=image.size,
            format=image.format,
            sha256=image.sha256,
            findings=[finding.kind for finding in image.open_findings],  # type: ignore[attr-defined]
            opinion=OpinionOut(
                label=opinion.label.name, confidence=opinion.confidence, suspicion=opinion.suspicion
            )
            if opinion
            else None,
        )


class PicturesOut(Schema):
    pictures: list[PictureOut]
    next: int | None = Field(description="Send it as `after` for the next page; null on the last.")


class PicturesIn(Schema):
    ids: list[Key] = Field(min_length=1, max_length=EDITED_MOST)
    labels: list[Name] | None = Field(None, description="Exactly these labels; an empty list takes all off.")
    split: Literal["train", "validation", "test"] | None = None
    removed: bool | None = Field(None, description="True takes the pictures out, false puts them back.")
    confirmed: bool = Field(default=False, description="Needed to move test pictures to another split.")


class EditedOut(Schema):
    version: int | None = Field(description="Number of the version that has the change.")
    changed: int = Field(description="Pictures that are other than before.")
    message: str


class VersionOut(Schema):
    number: int
    name: str
    kind: str = Field(description="`import` or `edit`.")
    state: str = Field(description="`open` while edits go into it, then `sealed`.")
    pictures: int
    labels: dict[str, int]
    splits: dict[str, int]
    unlabelled: int
    changes: dict[str, int] = Field(description="Against the version before, in numbers of pictures.")
    created_at: datetime

    @classmethod
    def of(cls, version: DatasetVersion) -> VersionOut:
        summary = version.summary
        return cls(
            number=version.number,
            name=version.name,
            kind=version.kind,
            state=version.state,
            pictures=version.pictures,
            labels=summary.get("labels", {}),
            splits=summary.get("splits", {}),
            unlabelled=summary.get("unlabelled", 0),
            changes=version.changes,
            created_at=version.created_at,
        )


class SealIn(Schema):
    name: Annotated[str, StringConstraints(max_length=120)] | None = None


@router.get(
    "/{int:dataset_id}/pictures",
    response={200: PicturesOut, 400: ErrorOut, 404: ErrorOut},
    summary="List pictures",
)
def list_pictures(request: AuthenticatedRequest, dataset_id: int, query: Query[PictureQuery]) -> PicturesOut:
    """A page of the pictures that match. Ask again with `after` set to `next` until that is null."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    version = dataset.latest
    if query.version is not None:
        version = get_owned(DatasetVersion, request.user, dataset=dataset, number=query.version)
    if version is None:
        return PicturesOut(pictures=[], next=None)
    page = wall.page_of(version, filters_of(dataset, query), after=query.after, count=query.limit)
    shown = page[: query.limit]
    more = len(page) > len(shown)
    return PicturesOut(
        pictures=[PictureOut.of(image) for image in shown], next=shown[-1].pk if more and shown else None
    )


def filters_of(dataset: Dataset, query: PictureQuery) -> wall.Filters:
    """The query as the wall takes it.

    Raises:
        UserError: there is no such label.
    """
    label = wall.NONE if query.unlabelled else ""
    if query.label:
        label = str(editing.find_label(dataset, query.label))
    return wall.Filters(
        label=label,
        split=query.split,
        finding=query.finding,
        size=query.size,
        model=query.model,
        q=query.name,
        sort=query.sort,
        show="removed" if query.removed else "",
    )


@router.patch(
    "/{int:dataset_id}/pictures",
    response={200: list[EditedOut], 400: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Change pictures",
)
def change_pictures(request: AuthenticatedRequest, dataset_id: int, data: PicturesIn) -> list[EditedOut]:
    """Labels, split, or whether they are in the data set, for up to 10,000 pictures at once.

    Each kind of change is one edit, in this order: put back, labels, split, taken out. They go into the open
    version, or begin one. Test pictures leave the test only if that is `confirmed`.
    """
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    edits: list[Edit | None] = []
    with transaction.atomic():  # all of what was asked for, or nothing
        if data.removed is False:
            edits.append(editing.restore_pictures(dataset=dataset, images=data.ids))
        if data.labels is not None:
            edits.append(editing.relabel(dataset=dataset, images=data.ids, labels=data.labels))
        if data.split is not None:
            edits.append(
                editing.move_to_split(
                    dataset=dataset, images=data.ids, split=data.split, confirmed=data.confirmed
                )
            )
        if data.removed:
            edits.append(editing.remove_pictures(dataset=dataset, images=data.ids))
    if not edits:
        raise UserError("nothing_asked", "Say what to change: `labels`, `split` or `removed`.")
    return [edited(edit) for edit in edits]


@router.post(
    "/{int:dataset_id}/undo",
    response={200: EditedOut, 404: ErrorOut, 409: ErrorOut},
    summary="Undo the last change",
)
def undo_change(request: AuthenticatedRequest, dataset_id: int) -> EditedOut:
    """Takes back the last change of the open version; ask again for the one before."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    edit = editing.undo_last(dataset=dataset)
    latest = dataset.latest
    return EditedOut(
        version=latest.number if latest else None, changed=edit.pictures, message=f"Undone: {edit.text}"
    )


def edited(edit: Edit | None) -> EditedOut:
    if edit is None:
        return EditedOut(version=None, changed=0, message="There was nothing to change.")
    return EditedOut(version=edit.version.number, changed=edit.pictures, message=edit.text)


@router.get(
    "/{int:dataset_id}/versions",
    response={200: list[VersionOut], 404: ErrorOut},
    summary="List versions",
)
def list_versions(request: AuthenticatedRequest, dataset_id: int) -> list[VersionOut]:
    """The newest first."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    return [VersionOut.of(version) for version in dataset.versions.all()]


@router.post(
    "/{int:dataset_id}/versions/{int:number}/seal",
    response={200: VersionOut, 400: ErrorOut, 404: ErrorOut},
    summary="Save the open version",
)
def seal_version(request: AuthenticatedRequest, dataset_id: int, number: int, data: SealIn) -> VersionOut:
    """From now on it never changes; the next change begins another version. Twice does no harm."""
    version = get_owned(DatasetVersion, request.user, dataset=dataset_id, number=number)
    return VersionOut.of(versions.seal_version(version=version, name=data.name))


@router.get(
    "/{int:dataset_id}/versions/{int:number}/export",
    response={404: ErrorOut, 409: ErrorOut},
    openapi_extra={"responses": {200: {"description": "The file.", "content": {"application/zip": {}}}}},
    summary="Export a version",
)
def export_version(
    request: AuthenticatedRequest,
    dataset_id: int,
    number: int,
    form: Literal["zip", "splits", "jsonl"] = "zip",
) -> StreamingHttpResponse:
    """A zip with a folder a label, one with train, val and test above these, or JSON lines for Vertex AI.

    With several labels a picture the zip has `images` and `labels.csv`. An open version has to be saved
    first: until then the answer is 409.
    """
    version = get_owned(DatasetVersion, request.user, dataset=dataset_id, number=number)
    exporting.check_exportable(version)
    return streamed(version, form)
