"""How a finished export becomes a model, without this app knowing the app above it.

``webapp.trained`` builds on searches, not the other way round; it registers its publisher at start-up.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from webapp.searches.models import Search, Trial


class Publisher(Protocol):
    """See ``webapp.trained.services.publish_model``."""

    def __call__(
        self,
        search: Search,
        trial: Trial,
        out_dir: Path,
        card: dict[str, Any],
        *,
        final: bool,
        within: Callable[[], None] | None = None,
    ) -> object: ...


_publishers: list[Publisher] = []


def register(publisher: Publisher) -> None:
    """Say who makes models of exports."""
    _publishers[:] = [publisher]


def publisher() -> Publisher:
    return _publishers[0]
