"""Whether a version of a data set can be trained on; if not, a sentence that says what to do."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Count, F, Q

from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion, Image, ImageLabel

MIN_LABELS = 2
MIN_TRAINING_PICTURES = 10
MIN_MINUTES, MAX_MINUTES = 0.5, 1440.0


def split_counts(version: DatasetVersion) -> dict[str, dict[str, int]]:
    """How many pictures of the version each label has in each split: ``{label: {split: pictures}}``."""
    number = version.number
    rows = (
        ImageLabel.objects.filter(image__dataset=version.dataset_id)
        .filter(added_in__number__lte=number, image__added_in__number__lte=number)
        .filter(Q(removed_in=None) | Q(removed_in__number__gt=number))
        .filter(Q(image__removed_in=None) | Q(image__removed_in__number__gt=number))
        .values(name=F("label__name"), split=F("image__split"))
        .annotate(pictures=Count("pk"))
        .order_by("name")
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        counts[row["name"]][row["split"]] = row["pictures"]
    return dict(counts)


def check_budget(minutes: float) -> None:
    """Refuse a budget that no search can use."""
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise UserError(
            code="bad_budget",
            message="The budget must be between half a minute and 1440 minutes (one day). Choose another one.",
        )


def check_version(version: DatasetVersion) -> None:
    """Refuse a version that nothing can be learned from.

    Raises:
        UserError: says what is missing and what to add.
    """
    if version.dataset.state == Dataset.State.IMPORTING:
        raise UserError(
            code="dataset_importing",
            message="Pictures are still being imported into this dataset. Wait until that is done, then train.",
            status=409,
        )
    counts = split_counts(version)
    training = {name: splits.get(Image.Split.TRAIN, 0) for name, splits in counts.items()}
    if len(counts) < MIN_LABELS:
        found = f"has only one label, “{next(iter(counts))}”" if counts else "has no labelled pictures"
        raise UserError(
            code="too_few_labels",
            message=f"This dataset {found}. A network learns to tell labels apart, so it needs at least two: "
            "add pictures in a folder for each label.",
        )
    if sum(training.values()) < MIN_TRAINING_PICTURES:
        raise UserError(
            code="too_few_pictures",
            message=f"Only {sum(training.values())} pictures are left to train on after some were set aside for "
            f"checking; at least {MIN_TRAINING_PICTURES} are needed. Add more pictures of each label.",
        )
    lacking = [name for name, pictures in training.items() if not pictures]
    if lacking:
        names = ", ".join(f"“{name}”" for name in lacking[:5]) + (" and others" if len(lacking) > 5 else "")
        raise UserError(
            code="label_without_pictures",
            message=f"No picture of {names} is left to train on. Add more pictures of it, or leave it out.",
        )
    if not any(splits.get(Image.Split.VALIDATION) for splits in counts.values()):
        raise UserError(
            code="too_few_pictures",
            message="There are too few pictures to set any aside for checking the networks. Add more pictures.",
        )
