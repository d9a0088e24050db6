"""Which pictures a data set has already, so that a copy counts once and no picture is in two splits."""

from __future__ import annotations

from typing import NamedTuple

from search_engine.data.scan import Found
from webapp.datasets.models import Image, ImageLabel


class Clash(NamedTuple):
    """A picture that the upload puts into another split than its copy is in. The first one's split holds."""

    name: str
    split: str
    first: str
    first_split: str


class First(NamedTuple):
    """The first picture of some content."""

    name: str
    split: str | None


class Copies:
    """The pictures of a data set, by content: those from before, and those that are being added.

    The same content under other labels is no copy: it is kept, and the doctor tells of it.

    Args:
        clashes: what was noticed about splits is added to it.
    """

    def __init__(self, dataset_id: int, clashes: list[Clash]) -> None:
        self.clashes = clashes
        self._first: dict[str, First] = {}
        self._names: dict[tuple[str, tuple[str, ...]], str] = {}
        labels: dict[int, list[str]] = {}
        links = ImageLabel.objects.filter(
            image__dataset_id=dataset_id, removed_in=None, image__removed_in=None
        )
        for pk, label in links.values_list("image_id", "label__name").iterator(chunk_size=5000):
            labels.setdefault(pk, []).append(label)
        images = Image.objects.filter(dataset_id=dataset_id, removed_in=None).order_by("pk")
        rows = images.values_list("pk", "sha256", "name", "split")
        for pk, sha256, name, split in rows.iterator(chunk_size=5000):
            self._first.setdefault(sha256, First(name, split))
            self._names[sha256, tuple(sorted(labels.get(pk, ())))] = name

    def why_not(self, found: Found) -> str:
        """Why a picture is not added, as a sentence; empty if it is, and then it is noted."""
        key = (found.sha256, tuple(sorted(found.labels)))
        first = self._first.get(found.sha256)
        where = self._clash(found, first) if first else ""
        # A picture without a label says nothing that its copy with a label does not say.
        name = self._names.get(key) or (first.name if first and not found.labels else "")
        if name:
            return f"An exact copy of it is already in this data set ({name[-200:]}){where}. It counts once."
        self._first.setdefault(found.sha256, First(found.name, found.split))
        self._names[key] = found.name
        return ""

    def _clash(self, found: Found, first: First) -> str:
        if not found.split or not first.split or found.split == first.split:
            return ""
        self.clashes.append(Clash(found.name, found.split, first.name, first.split))
        return f", in {first.split} and not in {found.split}"
