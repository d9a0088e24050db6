"""Data sets over HTTP: make one, send it pictures, see what became of every file."""

from __future__ import annotations

from ninja import File, Form, Router, Status
from ninja.files import UploadedFile

from webapp.api.schemas import DatasetIn, DatasetOut, ErrorOut, RejectedOut, ServerPathIn
from webapp.api.suspect_schemas import SuspectOut
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.datasets import opinions, receiving, server_paths, services
from webapp.datasets.models import Dataset

router = Router()


@router.get("", response=list[DatasetOut], summary="List your data sets")
def list_datasets(request: AuthenticatedRequest) -> list[DatasetOut]:
    """The newest first."""
    return [DatasetOut.of(dataset) for dataset in owned(Dataset, request.user)]


@router.post("", response={201: DatasetOut, 400: ErrorOut}, summary="Make an empty data set")
def create_dataset(request: AuthenticatedRequest, data: DatasetIn) -> Status[DatasetOut]:
    """Then send pictures to `/datasets/{id}/files`."""
    return Status(201, DatasetOut.of(services.create_dataset(owner=request.user, name=data.name)))


@router.get("/{int:dataset_id}", response={200: DatasetOut, 404: ErrorOut}, summary="Look at a data set")
def get_dataset(request: AuthenticatedRequest, dataset_id: int) -> DatasetOut:
    """While `state` is `importing`, `progress` says how far it is; ask about once a second."""
    return DatasetOut.of(get_owned(Dataset, request.user, pk=dataset_id))


@router.delete(
    "/{int:dataset_id}", response={204: None, 404: ErrorOut, 409: ErrorOut}, summary="Delete a data set"
)
def delete_dataset(request: AuthenticatedRequest, dataset_id: int) -> Status[None]:
    """Its pictures go with it, and so do the searches and models that were made from it."""
    services.delete_dataset(dataset=get_owned(Dataset, request.user, pk=dataset_id))
    return Status(204, None)


@router.post(
    "/{int:dataset_id}/files",
    response={202: DatasetOut, 400: ErrorOut, 404: ErrorOut, 413: ErrorOut},
    summary="Add pictures",
)
def add_files(
    request: AuthenticatedRequest,
    dataset_id: int,
    file: File[list[UploadedFile] | None] = None,
    files: File[list[UploadedFile] | None] = None,
    label: Form[str] = "",
) -> Status[DatasetOut]:
    """Send one file or several as the multipart field `file` or `files`: a zip or tar that holds one folder
    for each label, or loose pictures, which get the `label` or come without one.

    The answer comes at once; the import goes on behind it. Several files are imported one after the other.
    If they are large, or the line breaks, send them to `/uploads`.
    """
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    sent = [*(file or []), *(files or [])]
    if not sent:
        raise UserError("invalid", "file: field required.")
    receiving.receive_files(dataset=dataset, files=sent, label=label)
    dataset.refresh_from_db()
    return Status(202, DatasetOut.of(dataset))


@router.post(
    "/{int:dataset_id}/server-path",
    response={202: DatasetOut, 400: ErrorOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Add pictures that are on the server",
)
def add_server_path(request: AuthenticatedRequest, dataset_id: int, data: ServerPathIn) -> Status[DatasetOut]:
    """For administrators: a folder or an archive is read where it lies, and never changed."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    server_paths.add_server_path(dataset=dataset, user=request.user, path=data.path, label=data.label)
    dataset.refresh_from_db()
    return Status(202, DatasetOut.of(dataset))


@router.get(
    "/{int:dataset_id}/rejected",
    response={200: list[RejectedOut], 404: ErrorOut},
    summary="List the files that were rejected",
)
def list_rejected(request: AuthenticatedRequest, dataset_id: int) -> list[RejectedOut]:
    """Every file that did not become a picture, with its reason."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    return [RejectedOut.of(rejected) for rejected in services.rejected_files(dataset)]


@router.get(
    "/{int:dataset_id}/suspects",
    response={200: list[SuspectOut], 404: ErrorOut},
    summary="List the labels that look wrong",
)
def list_suspects(request: AuthenticatedRequest, dataset_id: int) -> list[SuspectOut]:
    """The most suspect first, at most 500: as many as are estimated to be wrong, by the newest model that was
    trained on this data set, each judged before it had been learned from. Empty before the first search."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    return [SuspectOut.of(suspect) for suspect in opinions.with_labels(opinions.suspects(dataset))]
