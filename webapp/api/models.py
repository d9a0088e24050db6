"""Models over HTTP: look at one, download it, ask it about a picture."""

from __future__ import annotations

from typing import Annotated

from django.http import FileResponse
from ninja import Query, Router, Status

from webapp.api.model_schemas import AnswerOut, ModelOut, PredictionOut
from webapp.api.schemas import ErrorOut
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.core.middleware import content_length
from webapp.predictions.services import check_size, classify
from webapp.trained import services
from webapp.trained.models import TrainedModel

router = Router()

PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@router.get("", response=list[ModelOut], summary="List your models")
def list_models(request: AuthenticatedRequest) -> list[ModelOut]:
    """The newest first."""
    return [ModelOut.of(model) for model in owned(TrainedModel, request.user).select_related("trial")]


@router.get("/{int:model_id}", response={200: ModelOut, 404: ErrorOut}, summary="Look at a model")
def get_model(request: AuthenticatedRequest, model_id: int) -> ModelOut:
    """With its figures on the test pictures, once the search is over."""
    return ModelOut.of(get_owned(TrainedModel, request.user, pk=model_id))


@router.delete(
    "/{int:model_id}", response={204: None, 404: ErrorOut, 409: ErrorOut}, summary="Delete a model"
)
def delete_model(request: AuthenticatedRequest, model_id: int) -> Status[None]:
    """Its search and the leaderboard stay."""
    services.delete_model(get_owned(TrainedModel, request.user, pk=model_id))
    return Status(204, None)


@router.get(
    "/{int:model_id}/bundle",
    summary="Download a model",
    openapi_extra={
        "responses": {
            200: {
                "description": "A zip with `model.onnx`, `labels.json`, `model.json`, `infer.py` and more.",
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)
def get_bundle(request: AuthenticatedRequest, model_id: int) -> FileResponse:
    """Everything that is needed to use the model elsewhere."""
    model = get_owned(TrainedModel, request.user, pk=model_id)
    return FileResponse(
        services.open_bundle(model),
        as_attachment=True,
        filename=services.download_name(model),
        content_type="application/zip",
    )


@router.post(
    "/{int:model_id}/predict",
    response={200: AnswerOut, 400: ErrorOut, 404: ErrorOut, 413: ErrorOut, 415: ErrorOut},
    summary="Ask a model about a picture",
    openapi_extra=PICTURE_BODY,
    exclude_none=True,
)
def predict(
    request: AuthenticatedRequest,
    model_id: int,
    top_k: Annotated[
        int | None, Query(ge=1, description="How many labels to return; all without it.")
    ] = None,
) -> AnswerOut:
    """Send the picture as the body, or as the multipart field `image`."""
    model = get_owned(TrainedModel, request.user, pk=model_id)
    predictions = classify(model, read_picture(request), top_k)
    return AnswerOut(
        model=model.pk,
        predictions=[PredictionOut(**each._asdict()) for each in predictions],
    )


def read_picture(request: AuthenticatedRequest) -> bytes:
    """The picture of a request, in whichever way it was sent.

    Raises:
        UserError: there is none, or it is too large.
    """
    if request.content_type != "multipart/form-data":
        check_size(content_length(request))
        return request.body
    image = request.FILES.get("image")
    if image is None:
        raise UserError(
            code="no_picture", message="The form has no file named “image”. Send the picture under that name."
        )
    check_size(image.size or 0)
    data: bytes = image.read()
    return data
