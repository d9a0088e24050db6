"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from typing import Protocol

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
    """Makes a space for a trunk, and for the pixels that networks from scratch see; see ``make_space``."""

    def __call__(
        self,
        trunk: Trunk,
        pixels: int,
        /,
        *,
        pooled: bool,
        augmented: bool,
        unfreeze: int,
        mirrored: bool,
        policy: str,
    ) -> GenomeSpace: ...


def _on_trunk(
    trunk: Trunk, _: int, *, pooled: bool, augmented: bool, unfreeze: int, mirrored: bool, policy: str
) -> GenomeSpace:
    from search_engine.space.hybrid import HybridSpace

    return HybridSpace(trunk, pooled=pooled, unfreeze=unfreeze)


def _of_cells(
    _: Trunk, pixels: int, *, pooled: bool, augmented: bool, unfreeze: int, mirrored: bool, policy: str
) -> GenomeSpace:
    from search_engine.space.cells import CellsSpace

    return CellsSpace(pixels, augmented=augmented, mirrored=mirrored, policy=policy)


def _of_stages(
    _: Trunk, pixels: int, *, pooled: bool, augmented: bool, unfreeze: int, mirrored: bool, policy: str
) -> GenomeSpace:
    from search_engine.space.macro import MacroSpace

    return MacroSpace(pixels, augmented=augmented, mirrored=mirrored, policy=policy)


def _of_both(
    trunk: Trunk, pixels: int, *, pooled: bool, augmented: bool, unfreeze: int, mirrored: bool, policy: str
) -> GenomeSpace:
    from search_engine.space.union import UnionSpace

    return UnionSpace(trunk, pixels, pooled=pooled, augmented=augmented, unfreeze=unfreeze, mirrored=mirrored)


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _on_trunk,
    CELLS: _of_cells,
    MACRO: _of_stages,
    ANY: _of_both,
}


def make_space(
    name: str,
    trunk: Trunk,
    pixels: int = 0,
    *,
    pooled: bool = False,
    augmented: bool = False,
    unfreeze: int = 0,
    mirrored: bool = True,
    policy: str = "",
) -> GenomeSpace:
    """The space of a name.

    Args:
        name: in ``SPACES``.
        trunk: to stand on; from scratch its resolution is what networks see.
        pixels: side that networks from scratch see where both kinds are searched; 0 for the trunk's.
        pooled: whether heads on the trunk may read every stage; see ``HybridSpace``.
        augmented: whether recipes from scratch may bend and erase pictures; see ``ScratchSpace``.
        unfreeze: the most stages of the trunk that networks may train; see ``HybridSpace``.
        mirrored: whether recipes from scratch may mirror pictures; see ``ScratchSpace``.
        policy: a learned augmentation that they may follow, where all networks are from scratch.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](
        trunk,
        pixels or trunk.resolution,
        pooled=pooled,
        augmented=augmented,
        unfreeze=unfreeze,
        mirrored=mirrored,
        policy=policy,
    )
