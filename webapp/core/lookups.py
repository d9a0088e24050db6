"""The one way from an id in an address to a row: through its owner. A stranger gets 404, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

if TYPE_CHECKING:
    from webapp.accounts.models import User

M = TypeVar("M", bound=Model)

OWNER_PATHS: dict[str, str] = {
    "accounts.ApiToken": "owner",
    "datasets.Dataset": "owner",
    "datasets.DatasetVersion": "dataset__owner",
    "datasets.Upload": "dataset__owner",
    "datasets.Transfer": "dataset__owner",
    "datasets.Image": "dataset__owner",
    "datasets.Finding": "dataset__owner",
    "datasets.RejectedFile": "upload__dataset__owner",
    "searches.Search": "owner",
    "searches.Trial": "search__owner",
    "trained.TrainedModel": "owner",
}
"""For each model that has an address: how to get from a row to its owner."""


def owned(model: type[M], user: User) -> QuerySet[M]:
    """The rows of a model that belong to a user."""
    path = OWNER_PATHS[model._meta.label]
    return model._default_manager.filter(**{path: user})


def get_owned(model: type[M], user: User, **lookup: Any) -> M:
    """The one row that matches and belongs to the user.

    Raises:
        Http404: there is none, or it is somebody else's; the answer does not tell which.
    """
    try:
        return owned(model, user).get(**lookup)
    except model.DoesNotExist:  # type: ignore[attr-defined]
        raise Http404(f"There is no such {model._meta.verbose_name}.") from None
