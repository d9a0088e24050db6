"""What the newest model thinks of the pictures of a data set, and which labels look wrong to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from search_engine.suspects import Opinion as Line
from webapp.datasets.models import Dataset, DatasetVersion, Finding, Image, ImageLabel, Opinion

BATCH = 2000  # rows a statement; SQLite takes some 30,000 values
MOST_SHOWN = 500
"""Pictures that a finding names; the wall of pictures sorts all by suspicion."""
FEW = 3
"""Suspected labels that are no more than good to know: of any set a few pictures are just odd."""
KEY = hashlib.sha256(Finding.Kind.SUSPECT_LABEL.encode()).hexdigest()
"""There is one such finding a data set."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture whose label looks wrong.

    Attributes:
        image: the picture.
        label: that it has.
        opinion: what the model thinks of it.
    """

    image: Image
    label: str
    opinion: Opinion


def record_opinions(version: DatasetVersion, search_id: int, lines: Iterable[Line]) -> int:
    """Replace the opinions on a data set's pictures, and say which labels look wrong in a finding.

    A picture that was removed or got another label since the search began is left out: what the model says
    of it is about the label from before.

    Args:
        version: that the search was made on.
        search_id: of the search whose model it is.
        lines: what it thinks, the most suspect first; ids are those of images.

    Returns:
        How many labels look wrong.
    """
    dataset = version.dataset
    lines = list(lines)  # read before anything is locked
    with transaction.atomic():
        given = _given_labels(dataset)
        labels = dict(dataset.labels.values_list("name", "pk"))
        known = [line for line in lines if given.get(line.id) == [line.label] and line.likeliest in labels]
        Opinion.objects.filter(dataset=dataset).delete()
        Opinion.objects.bulk_create(
            (
                Opinion(
                    image_id=line.id,
                    dataset_id=dataset.pk,
                    search_id=search_id,
                    label_id=labels[line.likeliest],
                    confidence=line.probability,
                    own=line.own,
                    suspicion=line.suspicion,
                )
                for line in known
            ),
            batch_size=BATCH,
        )
        suspected = [line.id for line in known if line.suspected]
        _tell(version, suspected, total=len(known))
    return len(suspected)


def _given_labels(dataset: Dataset) -> dict[int, list[str]]:
    """The labels that pictures have now, by the picture."""
    given: dict[int, list[str]] = {}
    now = ImageLabel.objects.filter(image__dataset=dataset, removed_in=None, image__removed_in=None)
    for image, name in now.values_list("image_id", "label__name").iterator(chunk_size=5000):
        given.setdefault(image, []).append(name)
    return given


def _tell(version: DatasetVersion, suspected: list[int], *, total: int) -> None:
    """One finding for all; what a person ignored stays ignored."""
    ours = Finding.objects.filter(dataset=version.dataset, key=KEY)
    if not suspected:
        ours.filter(state=Finding.State.OPEN).update(state=Finding.State.FIXED, version=version)
        return
    shown = suspected[:MOST_SHOWN]
    names = Image.objects.in_bulk(shown)
    finding, created = Finding.objects.update_or_create(
        dataset=version.dataset,
        key=KEY,
        defaults={
            "version": version,
            "kind": Finding.Kind.SUSPECT_LABEL,
            "severity": Finding.Severity.WARNING if len(suspected) > FEW else Finding.Severity.NOTE,
            "message": describe_suspects(len(suspected), total),
            "files": [names[pk].name for pk in shown],
        },
    )
    if not created and finding.state == Finding.State.FIXED:
        finding.state = Finding.State.OPEN
        finding.save(update_fields=["state"])
    finding.images.set(shown)


def describe_suspects(count: int, total: int) -> str:
    """What the finding says."""
    them = "1 label looks" if count == 1 else f"about {count:,} of {total:,} labels look"
    order = "" if count == 1 else ", the most suspicious first"
    return (
        f"{them[0].upper()}{them[1:]} wrong to the newest model{order}. Wrong labels are learned, too, and "
        "make a model look worse than it is: look, and put right what is wrong."
    )


def suspects(dataset: Dataset) -> QuerySet[Opinion]:
    """Opinions on the labels that look wrong, the most suspect first.

    What a person relabelled or removed since is not among them, nor is anything once they ignore it.
    """
    finding = (
        Finding.objects.filter(dataset=dataset, key=KEY, state=Finding.State.OPEN)
        .select_related("version")
        .first()
    )
    if finding is None:
        return Opinion.objects.none()
    # As numbers, since they are few: a database would rather look through all opinions than ask twice.
    untouched = ImageLabel.objects.filter(
        image__in=finding.images.filter(removed_in=None),
        removed_in=None,
        added_in__number__lte=finding.version.number,
    ).values_list("image_id", flat=True)
    found = Opinion.objects.filter(dataset=dataset, image__in=list(untouched))
    return found.select_related("image", "label").order_by("-suspicion", "image_id")


def with_labels(opinions: Iterable[Opinion]) -> list[Suspect]:
    """Opinions with the labels that the pictures have."""
    listed = list(opinions)
    given = dict(
        ImageLabel.objects.filter(image__in=[each.image_id for each in listed], removed_in=None).values_list(
            "image_id", "label__name"
        )
    )
    return [Suspect(each.image, given[each.image_id], each) for each in listed if each.image_id in given]
