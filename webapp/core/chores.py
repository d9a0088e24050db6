"""Cleaning that beat asks for once an hour; each app adds its own from ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable

Chore = Callable[[], int]
"""Removes what nobody needs any more and says how many things that were."""

CHORES: dict[str, Chore] = {}


def add_chore(name: str, chore: Chore) -> None:
    """Have ``chore`` done by each sweep; its name is for the log."""
    CHORES[name] = chore
