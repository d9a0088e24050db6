"""Spaces, genomes and features that the tests of the space share."""

from __future__ import annotations

import random

import torch
from hypothesis import strategies as st
from torch import Tensor

from search_engine.space.architecture import OPERATIONS, Cell, Genome, Head, Node, Recipe, Trunk
from search_engine.space.hybrid import HybridSpace
from search_engine.space.trunks import TRUNKS
from search_engine.trial import Vector

TRUNK = Trunk("efficientnet_lite0", 128)
SPEC = TRUNKS[TRUNK.name]
SPACE = HybridSpace(TRUNK, pooled=True)
RECIPE = Recipe(learning_rate=0.002, weight_decay=0.01, batch_size=64, label_smoothing=0.1, mixup=0.0)


def vectors() -> st.SearchStrategy[Vector]:
    """Legal vectors of the hybrid space."""
    return st.integers(0, 2**32).map(lambda seed: SPACE.sample(random.Random(seed)))


def genomes() -> st.SearchStrategy[Genome]:
    return vectors().map(SPACE.decode)


def cells(nodes: int = 4) -> st.SearchStrategy[Cell]:
    """Any legal cell."""
    ops = st.sampled_from(OPERATIONS)
    each = [st.builds(Node, st.integers(0, 1 + i), ops, st.integers(0, 1 + i), ops) for i in range(nodes)]
    return st.tuples(*each).map(Cell)


def genome(
    normal: Cell,
    reduction: Cell | None = None,
    *,
    repeats: int = 2,
    taps: tuple[str, ...] = ("stage4", "stage6"),
    width: int = 32,
    shortcut: bool = True,
    trunk: Trunk = TRUNK,
) -> Genome:
    """A genome with cells and a plain head."""
    return Genome(trunk, taps, normal, reduction, repeats, width, shortcut, Head(0, 0.0), RECIPE)


def features(count: int, resolution: int = TRUNK.resolution) -> dict[str, Tensor]:
    """Made-up activations of ``count`` pictures."""
    grid = SPEC.grid(resolution)
    taps = {tap.name: torch.randn(count, tap.channels, grid, grid) for tap in SPEC.taps}
    pooled = torch.randn(count, SPEC.pooled)
    return {**taps, "embedding": torch.randn(count, SPEC.embedding), "pooled": pooled}
