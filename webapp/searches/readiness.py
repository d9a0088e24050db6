"""Whether a version of a data set can be trained on; if not, a sentence that says what to do."""

from __future__ import annotations

from collections import Counter

from search_engine.data.manifest import MULTI, TRAIN, VALIDATION
from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.datasets.services import version_manifest

MIN_LABELS = 2
MIN_TRAINING_PICTURES = 10
MIN_MINUTES, MAX_MINUTES = 0.5, 1440.0


def check_budget(minutes: float) -> None:
    """Refuse a budget that no search can use."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise UserError(
            code="bad_budget",
            message="The budget must be between half a minute and 1440 minutes (one day). Choose another.",
        )


def check_version(version: DatasetVersion) -> None:
    """Refuse a version that nothing can be learned from.

    Raises:
        UserError: says what is missing and what to add.
    """
    if version.dataset.state == Dataset.State.IMPORTING:
        raise UserError(
            code="dataset_importing",
            message="Pictures are still being added to this dataset. Wait until that is done, then train.",
            status=409,
        )
    # The engine's own list, so that what is counted is what is trained on. It is not written yet: a version
    # that is refused stays open, so that what was wrong with it can be undone.
    manifest = version_manifest(version)
    pictures = manifest.of(TRAIN)
    training = Counter(label for picture in pictures for label in picture.all_labels)
    labels = manifest.labels
    if len(labels) < MIN_LABELS:
        found = f"has only one label, “{labels[0]}”" if labels else "has no labelled pictures"
        raise UserError(
            code="too_few_labels",
            message=f"This dataset {found}. A network learns to tell labels apart, so it needs at least two: "
            "add pictures in a folder for each label.",
        )
    if len(pictures) < MIN_TRAINING_PICTURES:
        raise UserError(
            code="too_few_pictures",
            message=f"Only {len(pictures)} pictures are left to train on after some were set aside "
            f"for checking; at least {MIN_TRAINING_PICTURES} are needed. Add more pictures of each label.",
        )
    lacking = [label for label in labels if not training[label]]
    if lacking:
        names = some(lacking)
        raise UserError(
            code="label_without_pictures",
            message=f"No picture of {names} is left to train on. Add more pictures of it, or leave it out.",
        )
    always = [label for label in labels if training[label] == len(pictures)]
    if manifest.task == MULTI and always:
        raise UserError(
            code="label_on_all_pictures",
            message=f"Every picture that is left to train on has {some(always)}, so there is nothing to "
            "learn about that. Add pictures without it, or take the label off all pictures.",
        )
    if not manifest.of(VALIDATION):
        raise UserError(
            code="too_few_pictures",
            message="There are too few pictures to set any aside for checking networks. Add more pictures.",
        )


def some(labels: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in labels[:5]) + (" and others" if len(labels) > 5 else "")
