"""All spaces by name. A space's module is imported when it is first asked for."""

from __future__ import annotations

from typing import Protocol

from search_engine.config import Plan
from search_engine.errors import SpaceError
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace
from search_engine.space.offer import OLDEST, Offer

HYBRID = "hybrid"
"""Cells on a trunk."""
CELLS, MACRO = "cells", "macro"
"""Networks from scratch: of cells, or of stages."""
ANY = "any"
"""Networks on a trunk, and such from scratch, in one space."""


class SpaceFactory(Protocol):
    """Makes a space for a trunk, and for the pixels that networks from scratch see; see ``make_space``."""

    def __call__(self, trunk: Trunk, pixels: int, offer: Offer, /) -> GenomeSpace: ...


def _on_trunk(trunk: Trunk, _: int, offer: Offer) -> GenomeSpace:
    from search_engine.space.hybrid import HybridSpace

    return HybridSpace(trunk, pooled=offer.pooled, unfreeze=offer.unfreeze)


def _of_cells(_: Trunk, pixels: int, offer: Offer) -> GenomeSpace:
    from search_engine.space.cells import CellsSpace

    return CellsSpace(pixels, augmented=offer.augmented, mirrored=offer.mirrored, policy=offer.policy)


def _of_stages(_: Trunk, pixels: int, offer: Offer) -> GenomeSpace:
    from search_engine.space.macro import MacroSpace

    return MacroSpace(pixels, augmented=offer.augmented, mirrored=offer.mirrored, policy=offer.policy)


def _of_both(trunk: Trunk, pixels: int, offer: Offer) -> GenomeSpace:
    from search_engine.space.union import UnionSpace

    return UnionSpace(trunk, pixels, offer=offer)


SPACES: dict[str, SpaceFactory] = {
    HYBRID: _on_trunk,
    CELLS: _of_cells,
    MACRO: _of_stages,
    ANY: _of_both,
}


def make_space(name: str, trunk: Trunk, pixels: int = 0, offer: Offer = OLDEST) -> GenomeSpace:
    """The space of a name.

    Args:
        name: in ``SPACES``.
        trunk: to stand on; from scratch its resolution is what networks see.
        pixels: side that networks from scratch see where both kinds are searched; 0 for the trunk's.
        offer: what networks may choose from.

    Raises:
        SpaceError: there is none.
    """
    if name not in SPACES:
        raise SpaceError(f"unknown space {name!r}; known: {', '.join(SPACES)}")
    return SPACES[name](trunk, pixels or trunk.resolution, offer)


def planned_space(plan: Plan) -> GenomeSpace:
    """The space of a plan, without the limits that its search may have."""
    return make_space(plan.space, Trunk(plan.trunk, plan.resolution), plan.scratch_resolution, Offer.of(plan))
