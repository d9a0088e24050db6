"""Small spaces, and pictures that only a spatial convolution can tell apart."""

from __future__ import annotations

import random
from dataclasses import replace

import torch
from torch import Tensor

from search_engine.space.architecture import Genome, Head, Trunk
from search_engine.space.cells import CellsSpace
from search_engine.space.hybrid import HybridSpace
from search_engine.space.scratch import PIXELS
from search_engine.supernet.paths import PathSpace
from search_engine.trainer.loop import Examples

SIDE = 32
PATCH = 4
CELLS = CellsSpace(SIDE)
HYBRID = HybridSpace(Trunk("efficientnet_lite0", 160))
HYBRID_GRID = 5


def cells_base() -> Genome:
    """The coarse starting point of the space from scratch, at its narrowest."""
    return replace(CELLS.decode(CELLS.starts[1]), width=16)


def hybrid_base() -> Genome:
    """Cells of both kinds on a trunk."""
    genome = HYBRID.decode(HYBRID.starts[1])
    return replace(genome, taps=("stage6",), reduction=genome.normal, repeats=2, width=32)


def cells_paths() -> PathSpace:
    return PathSpace(CELLS, cells_base())


def hybrid_paths() -> PathSpace:
    return PathSpace(HYBRID, hybrid_base())


def one_cell_base() -> Genome:
    """One normal cell on the finest tap, and nothing beside it: the quickest to train."""
    genome = HYBRID.decode(HYBRID.starts[1])
    head = Head(hidden=0, dropout=0.0)
    recipe = replace(genome.recipe, learning_rate=0.005, batch_size=32)
    return replace(genome, taps=("stage2",), width=32, shortcut=False, head=head, recipe=recipe)


def one_cell_paths() -> PathSpace:
    return PathSpace(HYBRID, one_cell_base())


def boards(n: int, grid: int, seed: int) -> tuple[Tensor, Tensor]:
    """(n, grid, grid) boards with two dominoes that lie (class 0) or stand (class 1), sorted by class.

    A standing domino is a lying one transposed. Pools, pointwise convolutions and shortcuts treat both alike;
    only filters with a shape of their own see which it is.
    """
    rng = random.Random(seed)
    targets = (torch.arange(n) >= n // 2).long()
    boards = torch.zeros(n, grid, grid)
    for board, target in zip(boards, targets.tolist(), strict=True):
        first = rng.randrange(grid - 2)
        for line in (first, rng.randrange(first + 2, grid)):  # never side by side
            along = rng.randrange(grid - 1)
            board[line, along : along + 2] = 1.0
        if target:
            board.copy_(board.T.clone())
    return boards, targets


def domino_maps(n: int, seed: int) -> Examples:
    """Dominoes as a trunk might show them at its finest tap: in each channel more or less, on noise."""
    maps, targets = boards(n, HYBRID_GRID, seed)
    loudness = torch.rand(40, generator=torch.Generator().manual_seed(0))
    noise = torch.rand((n, 40, HYBRID_GRID, HYBRID_GRID), generator=torch.Generator().manual_seed(seed))
    features = maps[:, None] * loudness[:, None, None] + 0.2 * noise
    return Examples({"stage2": features.half()}, targets, torch.arange(n))


def domino_pictures(n: int, seed: int) -> Examples:
    """Dominoes as pixels; a half is as large as the stem's patch."""
    maps, targets = boards(n, SIDE // PATCH, seed)
    pixels = maps.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)[..., None].expand(-1, -1, -1, 3)
    return Examples({PIXELS: (255 * pixels).to(torch.uint8)}, targets, torch.arange(n))
