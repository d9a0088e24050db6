"""Which pictures of a version a person wants to see, in which order, a page at a time.

Pages are found by keyset: the next one begins after the last picture of this one, so a page of the end of
100,000 pictures costs what the first costs, and nothing is skipped or shown twice while pictures change.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from webapp.datasets.models import DatasetVersion, Finding, Image, ImageLabel, Opinion

PAGE = 60  # pictures; fills every row of the wall at 2, 3, 4, 5 and 6 columns
MOST = 1200  # pictures that are shown again at once, after an edit far down the wall
NONE = "none"  # the filter of pictures without a label
SMALL, LARGE = 128, 1024  # pixels of the shorter side: below, a network sees little; from there on, plenty
UNSURE = 0.6  # confidence below which a model is said to be unsure

SORTS = {
    "": "Mixed",
    "newest": "Newest first",
    "suspicion": "Most suspect label first",
    "confidence": "Model least sure first",
    "name": "By name",
}
SIZES = {"": "Any size", "small": f"Smaller than {SMALL} pixels", "large": f"At least {LARGE:,} pixels"}
MODEL = {"": "Anything", "right": "The same label", "wrong": "Another label", "unsure": "Not sure"}
SHOWN = {"": "In the data set", "removed": "Removed"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; an empty text stands for no wish.

    Attributes:
        label: the primary key of a label, or ``none``.
        q: part of a name.
        sort: a key of SORTS. By suspicion and confidence, only pictures that a model has seen are shown.
        show: a key of SHOWN.
    """

    label: str = ""
    split: str = ""
    finding: str = ""
    size: str = ""
    model: str = ""
    q: str = ""
    sort: str = ""
    show: str = ""

    @property
    def given(self) -> dict[str, str]:
        """The filters that are set, the order not among them."""
        names = [field.name for field in fields(self) if field.name != "sort"]
        return {name: value for name in names if (value := getattr(self, name))}

    @property
    def removed(self) -> bool:
        return self.show == "removed"


class Moment:
    """The rows that a version has."""

    def __init__(self, version: DatasetVersion) -> None:
        self.version = version

    @cached_property
    def numbers(self) -> dict[int, int]:
        return dict(
            DatasetVersion.objects.filter(dataset_id=self.version.dataset_id).values_list("number", "pk")
        )

    @cached_property
    def is_latest(self) -> bool:
        return self.version.number == max(self.numbers, default=0)

    @property
    def rows(self) -> Q:
        """Of pictures and of labels on pictures."""
        if self.is_latest:
            return Q(removed_in=None)
        until = [pk for number, pk in self.numbers.items() if number <= self.version.number]
        after = [pk for number, pk in self.numbers.items() if number > self.version.number]
        return Q(Q(removed_in=None) | Q(removed_in__in=after), added_in__in=until)

    def images(self) -> QuerySet[Image]:
        return Image.objects.filter(self.rows, dataset_id=self.version.dataset_id).order_by()

    def links(self) -> QuerySet[ImageLabel]:
        return ImageLabel.objects.filter(self.rows)


def removed_images(dataset_id: int) -> QuerySet[Image]:
    """The newest row of each picture that the data set does not have any more."""
    again = Image.objects.filter(
        Q(removed_in=None) | Q(pk__gt=OuterRef("pk")),
        dataset_id=dataset_id,
        sha256=OuterRef("sha256"),
        name=OuterRef("name"),
    )
    rows = Image.objects.filter(~Exists(again), dataset_id=dataset_id).exclude(removed_in=None)
    return rows.order_by()


def matching(version: DatasetVersion, filters: Filters) -> QuerySet[Image]:
    """The pictures that all the filters let through, in no order."""
    moment = Moment(version)
    images = removed_images(version.dataset_id) if filters.removed else moment.images()
    links = ImageLabel.objects.filter(removed_in=None) if filters.removed else moment.links()
    if filters.label == NONE:
        images = images.filter(~Exists(links.filter(image=OuterRef("pk"))))
    elif filters.label:
        images = images.filter(pk__in=links.filter(label=int(filters.label)).values("image"))
    if filters.split:
        images = images.filter(split=filters.split)
    if filters.finding:
        found = Finding.images.through.objects.filter(
            finding__dataset=version.dataset_id,
            finding__kind=filters.finding,
            finding__state=Finding.State.OPEN,
        )
        images = images.filter(pk__in=found.values("image_id"))
    if filters.size == "small":
        images = images.filter(Q(width__lt=SMALL) | Q(height__lt=SMALL))
    elif filters.size == "large":
        images = images.filter(width__gte=LARGE, height__gte=LARGE)
    if filters.q:
        images = images.filter(name__icontains=filters.q)
    if filters.sort in BY_MODEL:
        images = images.filter(opinion__dataset=version.dataset_id)
    return by_model(images, links, filters.model)


def by_model(images: QuerySet[Image], links: QuerySet[ImageLabel], model: str) -> QuerySet[Image]:
    """Only those of which the newest model says this."""
    if model == "unsure":
        return images.filter(opinion__confidence__lt=UNSURE)
    if model in ("right", "wrong"):
        same = Exists(links.filter(image=OuterRef("pk"), label=OuterRef("opinion__label")))
        return images.filter(same if model == "right" else ~same, opinion__isnull=False)
    return images


@dataclass(frozen=True, slots=True)
class Order:
    """Columns that pictures are sorted by: a value, and then a key that settles ties.

    Attributes:
        column: of the value; empty if pictures are sorted by the key alone.
        key: of the primary key, in the table in which an index has both.
    """

    column: str
    key: str = "pk"
    descending: bool = False

    @property
    def names(self) -> list[str]:
        sign = "-" if self.descending else ""
        return [f"{sign}{self.column}", self.key] if self.column else [f"{sign}{self.key}"]

    def after(self, image_id: int) -> Q:
        """What comes after a picture."""
        if not self.column:
            return Q(**{f"{self.key}__{'lt' if self.descending else 'gt'}": image_id})
        value = Image.objects.filter(pk=image_id).values_list(self.column, flat=True).first()
        if value is None:
            return Q()  # gone meanwhile: from the beginning
        further, at_least = ("lt", "lte") if self.descending else ("gt", "gte")
        # The first condition follows from the second, but is one that an index can begin at.
        same = Q(**{self.column: value, f"{self.key}__gt": image_id})
        return Q(**{f"{self.column}__{at_least}": value}) & (Q(**{f"{self.column}__{further}": value}) | same)


MIXED = Order("sha256")
BY_MODEL = ("suspicion", "confidence")  # only pictures that a model has seen are in these orders
ORDERS = {
    "newest": Order("", descending=True),
    "name": Order("name"),
    "suspicion": Order("opinion__suspicion", "opinion__image_id", descending=True),
    "confidence": Order("opinion__confidence", "opinion__image_id"),
}


def page_of(
    version: DatasetVersion, filters: Filters, *, after: int | None = None, count: int = PAGE
) -> list[Image]:
    """The next so many pictures, with their labels, findings and opinion, and one more if there is one.

    Args:
        after: the primary key of the picture that the page comes after; the first page has none.
    """
    order = ORDERS.get(filters.sort, MIXED)
    images = matching(version, filters).order_by(*order.names)
    if after is not None:
        images = images.filter(order.after(after))
    return list(with_facts(images, version, filters)[: count + 1])


def with_facts(images: QuerySet[Image], version: DatasetVersion, filters: Filters) -> QuerySet[Image]:
    """What a tile shows, in a fixed number of queries."""
    links = ImageLabel.objects.filter(removed_in=None) if filters.removed else Moment(version).links()
    return images.prefetch_related(
        Prefetch("image_labels", links.select_related("label").order_by("label__name"), to_attr="shown"),
        Prefetch("findings", Finding.objects.filter(state=Finding.State.OPEN), to_attr="open_findings"),
        Prefetch("opinion", Opinion.objects.select_related("label")),
    )


def count_matching(version: DatasetVersion, filters: Filters) -> int:
    """How many pictures the filters let through; counted only where the version's summary does not say."""
    given = filters.given
    if len(given) > 1 or filters.sort in BY_MODEL:
        return matching(version, filters).count()
    summary = version.summary
    if not given:
        return version.pictures
    if filters.split:
        return int(summary.get("splits", {}).get(filters.split, 0))
    if filters.label == NONE:
        return int(summary.get("unlabelled", 0))
    if filters.label:
        name = version.dataset.labels.filter(pk=int(filters.label)).values_list("name", flat=True).first()
        return int(summary.get("labels", {}).get(name, 0))
    return matching(version, filters).count()


def matching_ids(version: DatasetVersion, filters: Filters) -> list[int]:
    """The pictures that "all that match" means."""
    return list(matching(version, filters).values_list("pk", flat=True))


def choices(version: DatasetVersion) -> dict[str, list[tuple[str, Any]]]:
    """What each filter can be, for the version: values and words."""
    keys = dict(version.dataset.labels.values_list("name", "pk"))
    labels = [(str(keys[name]), name) for name in sorted(version.summary.get("labels", {})) if name in keys]
    if version.summary.get("unlabelled"):
        labels.append((NONE, "Without a label"))
    kinds = set(
        version.dataset.findings.filter(state=Finding.State.OPEN).order_by().values_list("kind", flat=True)
    )
    return {
        "label": [("", "All labels"), *labels],
        "split": [("", "Everything"), *Image.Split.choices],
        "finding": [("", "Anything"), *((k, w) for k, w in Finding.Kind.choices if k in kinds)],
        "size": list(SIZES.items()),
        "model": list(MODEL.items()),
        "show": list(SHOWN.items()),
        "sort": list(SORTS.items()),
    }


def has_opinions(version: DatasetVersion) -> bool:
    """Whether a model has said anything about the pictures yet."""
    return Opinion.objects.filter(dataset=version.dataset_id).exists()
