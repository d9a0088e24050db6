"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace

HYBRID = "hybrid"
"""The space on a trunk; all others but ``ANY`` are of networks from scratch."""
ANY = "any"
"""Networks on a trunk, and such from scratch, in one space."""

SpaceFactory = Callable[[Trunk, int], GenomeSpace]
"""Makes the space for a trunk, and for the side in pixels that networks from scratch see."""


def _lazy(module: str, name: str, arguments: Callable[[Trunk, int], tuple[Any, ...]]) -> SpaceFactory:
    def make(trunk: Trunk, pixels: int) -> GenomeSpace:
        factory = getattr(import_module(f"search_engine.space.{module}"), name)
        space: GenomeSpace = factory(*arguments(trunk, pixels))
        return space

    return make


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _lazy("hybrid", "HybridSpace", lambda trunk, pixels: (trunk,)),
    "cells": _lazy("cells", "CellsSpace", lambda trunk, pixels: (pixels,)),
    "macro": _lazy("macro", "MacroSpace", lambda trunk, pixels: (pixels,)),
    ANY: _lazy("union", "UnionSpace", lambda trunk, pixels: (trunk, pixels)),
}


def make_space(name: str, trunk: Trunk, pixels: int = 0) -> GenomeSpace:
    """The space of a name.

    Args:
        name: in ``SPACES``.
        trunk: that its networks stand on; from scratch its resolution is what they see.
        pixels: side that networks from scratch see where both kinds are searched; 0 for the trunk's.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](trunk, pixels or trunk.resolution)
