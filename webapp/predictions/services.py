"""Asking a model about a picture."""

from __future__ import annotations

from django.conf import settings

from search_engine.export.predict import Classifier, PictureError, Ranking
from webapp.core.errors import UserError
from webapp.predictions.sessions import classifier
from webapp.trained.models import TrainedModel
from webapp.trained.services import missing_files


def classify(model: TrainedModel, data: bytes, top_k: int | None = None) -> Ranking:
    """The labels of a picture with their probabilities, most probable first; of several, which it has.

    Args:
        model: which network answers; the very file that can be downloaded.
        data: the picture as a file (JPEG, PNG, ...).
        top_k: how many labels; all of them without it.

    Raises:
        UserError: the picture is missing, too large or cannot be read, or the model's files are gone.
    """
    check_size(len(data))
    if not data:
        raise UserError(
            code="no_picture", message="There is no picture in the request. Send one as the body."
        )
    if top_k is not None and top_k < 1:
        raise UserError(code="bad_top_k", message="top_k must be 1 or more.", status=422)
    try:
        [predictions] = _load(model).classify(data, top_k=top_k)
    except PictureError as error:
        raise UserError(code="bad_picture", message=str(error), status=415) from error
    return predictions


def check_size(size: int) -> None:
    """Refuse a picture that is too large to be read into memory."""
    limit = settings.PREDICT_MAX_BYTES
    if size > limit:
        raise UserError(
            code="picture_too_large",
            message=f"The picture is larger than {limit // 1024**2} MB. Send a smaller one.",
            status=413,
        )


def _load(model: TrainedModel) -> Classifier:
    # A revision that is removed between reading the row and loading the file has a successor by then.
    try:
        return classifier(model)
    except FileNotFoundError:
        model.refresh_from_db()
    try:
        return classifier(model)
    except FileNotFoundError:
        raise missing_files(model) from None
