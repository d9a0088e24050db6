"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace

HYBRID = "hybrid"
"""Cells on a trunk."""
CELLS, MACRO = "cells", "macro"
"""Networks from scratch: of cells, or of stages."""
ANY = "any"
"""Networks on a trunk, and such from scratch, in one space."""


class SpaceFactory(Protocol):
    """Makes a space for a trunk, pooled or not, and for the pixels that networks from scratch see."""

    def __call__(self, trunk: Trunk, pixels: int, *, pooled: bool) -> GenomeSpace: ...


def _lazy(module: str, name: str, make_from: Callable[[Any, Trunk, int, bool], GenomeSpace]) -> SpaceFactory:
    def make(trunk: Trunk, pixels: int, *, pooled: bool) -> GenomeSpace:
        return make_from(getattr(import_module(f"search_engine.space.{module}"), name), trunk, pixels, pooled)

    return make


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _lazy("hybrid", "HybridSpace", lambda space, trunk, _, pooled: space(trunk, pooled=pooled)),
    CELLS: _lazy("cells", "CellsSpace", lambda space, _, pixels, __: space(pixels)),
    MACRO: _lazy("macro", "MacroSpace", lambda space, _, pixels, __: space(pixels)),
    ANY: _lazy(
        "union", "UnionSpace", lambda space, trunk, pixels, pooled: space(trunk, pixels, pooled=pooled)
    ),
}


def make_space(name: str, trunk: Trunk, pixels: int = 0, *, pooled: bool = False) -> GenomeSpace:
    """The space of a name.

    Args:
        name: in ``SPACES``.
        trunk: to stand on; from scratch its resolution is what networks see.
        pixels: side that networks from scratch see where both kinds are searched; 0 for the trunk's.
        pooled: whether heads on the trunk may read every stage; see ``HybridSpace``.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](trunk, pixels or trunk.resolution, pooled=pooled)
