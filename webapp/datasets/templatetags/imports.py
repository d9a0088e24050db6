"""Template tags of imports."""

from __future__ import annotations

from django import template

from webapp.datasets import progress
from webapp.datasets.models import Dataset

register = template.Library()


@register.simple_tag
def import_now(dataset: Dataset) -> progress.ImportNow | None:
    """How far the import of a data set is."""
    return progress.import_now(dataset)
