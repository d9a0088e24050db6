"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace

HYBRID = "hybrid"
"""The space on a trunk; all others are of networks from scratch."""


class SpaceFactory(Protocol):
    """Makes the space for a trunk, pooled or not, or from scratch for the trunk's resolution alone."""

    def __call__(self, trunk: Trunk, *, pooled: bool) -> GenomeSpace: ...


def _lazy(module: str, name: str, make_from: Callable[[Any, Trunk, bool], GenomeSpace]) -> SpaceFactory:
    def make(trunk: Trunk, *, pooled: bool) -> GenomeSpace:
        return make_from(getattr(import_module(f"search_engine.space.{module}"), name), trunk, pooled)

    return make


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _lazy("hybrid", "HybridSpace", lambda space, trunk, pooled: space(trunk, pooled=pooled)),
    "cells": _lazy("cells", "CellsSpace", lambda space, trunk, _: space(trunk.resolution)),
    "macro": _lazy("macro", "MacroSpace", lambda space, trunk, _: space(trunk.resolution)),
}


def make_space(name: str, trunk: Trunk, *, pooled: bool = False) -> GenomeSpace:
    """The space of a name.

    Args:
        name: in ``SPACES``.
        trunk: to stand on, or from scratch for its resolution alone.
        pooled: whether heads on the trunk may read every stage; see ``HybridSpace``.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](trunk, pooled=pooled)
