"""The labels that look wrong to a model, on its page."""

from __future__ import annotations

from typing import Any

from webapp.datasets import opinions
from webapp.trained.models import TrainedModel

MOST = 12
"""Pictures in the strip; the rest is one click away."""


def suspect_labels(model: TrainedModel) -> dict[str, Any]:
    """What the page shows of them; nothing where a newer model has other opinions."""
    found = opinions.suspects(model.search.version.dataset).filter(search_id=model.search_id)
    return {"suspects": opinions.with_labels(found[:MOST]), "suspected": found.count()}
