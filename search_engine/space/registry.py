"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace

HYBRID = "hybrid"
"""The space on a trunk; all others are of networks from scratch."""

SpaceFactory = Callable[[Trunk], GenomeSpace]
"""Makes the space for a trunk, or from scratch for the trunk's resolution alone."""


def _lazy(module: str, name: str, argument: Callable[[Trunk], Any]) -> SpaceFactory:
    def make(trunk: Trunk) -> GenomeSpace:
        space: GenomeSpace = getattr(import_module(f"search_engine.space.{module}"), name)(argument(trunk))
        return space

    return make


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _lazy("hybrid", "HybridSpace", lambda trunk: trunk),
    "cells": _lazy("cells", "CellsSpace", lambda trunk: trunk.resolution),
    "macro": _lazy("macro", "MacroSpace", lambda trunk: trunk.resolution),
}


def make_space(name: str, trunk: Trunk) -> GenomeSpace:
    """The space of a name.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](trunk)
