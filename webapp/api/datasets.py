"""Data sets over HTTP: make one, send it a zip of label folders, see what became of every file."""

from __future__ import annotations

from ninja import File, Router, Status
from ninja.files import UploadedFile

from webapp.api.schemas import DatasetIn, DatasetOut, ErrorOut, RejectedOut
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.datasets import services
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
def add_files(request: AuthenticatedRequest, dataset_id: int, file: File[UploadedFile]) -> Status[DatasetOut]:
    """Send a zip as the multipart field `file`. It holds one folder for each label, with its pictures.

    The answer comes at once; the import goes on behind it. Several files are imported one after the other.
    """
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    services.receive_upload(dataset=dataset, file=file)
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
