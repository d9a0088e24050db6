"""Random changes of a batch of pictures that leave their labels as they are."""

from __future__ import annotations

import torch
from torch import Tensor


def augment(pixels: Tensor, *, shift: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Move each picture by up to ``shift`` pixels, edges mirrored; with ``flip`` turn half of them over.

    Both are one look-up: each output pixel says which row and column it is read from.

    Args:
        pixels: (N, R, R, 3).
        shift: at most R - 1.
        flip: whether half of them have left and right exchanged.
        generator: on the CPU, of the random numbers.
    """
    if not shift and not flip:
        return pixels
    count, side = pixels.shape[:2]
    moves = torch.randint(-shift, shift + 1, (2, count, 1), generator=generator)
    rows, columns = (_mirror(torch.arange(side) + move, side) for move in moves)
    if flip:
        flipped = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(flipped, side - 1 - columns, columns)
    which = torch.arange(count)[:, None, None]
    return pixels[which, rows[:, :, None], columns[:, None, :]]


def _mirror(index: Tensor, side: int) -> Tensor:
    """Indices beyond an edge, mirrored at it without repeating the edge itself."""
    index = index.abs()
    return torch.where(index >= side, 2 * (side - 1) - index, index)
