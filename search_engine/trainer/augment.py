"""Random changes of a batch of pictures that leave their labels as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from search_engine.space.architecture import LEARNED, Recipe
from search_engine.space.policies import read_policy
from search_engine.trainer.policy import follow, trivial


@dataclass(frozen=True, slots=True)
class Bend:
    """Limits of a random affine map; each number is drawn uniformly, the zoom on a log scale.

    Attributes:
        turn: degrees to either side.
        zoom: largest factor on the size; the smallest is its inverse.
        shear: degrees to either side.
    """

    turn: float
    zoom: float
    shear: float


BENDS = {"affine": Bend(10.0, 1.1, 5.0), "affine_strong": Bend(20.0, 1.25, 15.0)}

ERASED = (0.25, 0.5)
"""Shortest and longest side of an erased rectangle, as a share of the picture's (Zhong et al. 2020)."""


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Move, mirror, bend and erase each picture as its recipe says, each in its own way.

    Args:
        pixels: (N, R, R, 3) float32; left as it is.
        recipe: ``shift``, ``flip``, ``augment``, ``policy`` and ``erase`` are read.
        generator: on the CPU, of the random numbers, so that every device draws the same.

    Returns:
        (N, R, R, 3), on the device of ``pixels``.
    """
    if recipe.augment == "trivial":
        pixels = trivial(pixels, generator)
    elif recipe.augment == LEARNED:
        pixels = follow(pixels, read_policy(recipe.policy), generator)
    if recipe.augment in BENDS:
        changed = bend(
            pixels, BENDS[recipe.augment], shift=recipe.shift, flip=recipe.flip, generator=generator
        )
    else:
        changed = move(pixels, shift=recipe.shift, flip=recipe.flip, generator=generator)
    return erase(changed, recipe.erase, generator) if recipe.erase else changed


def move(pixels: Tensor, *, shift: int, flip: bool, generator: torch.Generator) -> Tensor:
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


def bend(pixels: Tensor, limits: Bend, *, shift: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Turn, zoom, shear, move and perhaps mirror each picture about its middle, in one bilinear look-up.

    Args:
        pixels: (N, R, R, 3) float32.
        limits: how far at most.
        shift: pixels to move by at most.
        flip: whether half of them have left and right exchanged.
        generator: on the CPU, of the random numbers.
    """
    count, side = pixels.shape[:2]
    turn, zoom, shear, x, y = 2.0 * torch.rand(5, count, generator=generator) - 1.0
    maps = affine_maps(
        turn * math.radians(limits.turn),
        torch.exp(zoom * math.log(limits.zoom)),
        torch.tan(shear * math.radians(limits.shear)),
        2.0 * shift / side * torch.stack([x, y], dim=1),
    )
    if flip:
        signs = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
        maps[:, :, 0] *= signs[:, None]
    planes = pixels.permute(0, 3, 1, 2)
    grid = F.affine_grid(maps.to(pixels.device), list(planes.shape), align_corners=False)
    bent = F.grid_sample(planes, grid, padding_mode="reflection", align_corners=False)
    return bent.permute(0, 2, 3, 1)


def affine_maps(turn: Tensor, zoom: Tensor, shear: Tensor, moves: Tensor) -> Tensor:
    """(N, 2, 3) maps from a place in the output to the place that it is read from, -1..1 on either axis.

    Args:
        turn: (N,) radians.
        zoom: (N,) factors on the size; above 1 things look larger.
        shear: (N,) tangents; columns slide along by their height.
        moves: (N, 2) x and y, in halves of the picture.
    """
    cos, sin = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    across = torch.stack([cos, cos * shear - sin, moves[:, 0]], dim=1)
    down = torch.stack([sin, sin * shear + cos, moves[:, 1]], dim=1)
    return torch.stack([across, down], dim=1)


def erase(pixels: Tensor, chance: float, generator: torch.Generator) -> Tensor:
    """Paint over one rectangle in some of the pictures, in the mean colour of the batch.

    Args:
        pixels: (N, R, R, 3) float32.
        chance: of a picture to lose a rectangle, 0..1.
        generator: on the CPU, of the random numbers.
    """
    count, side = pixels.shape[:2]
    shortest, longest = ERASED
    sizes = side * (shortest + (longest - shortest) * torch.rand(2, count, 1, generator=generator))
    starts = torch.rand(2, count, 1, generator=generator) * (side - sizes)
    places = torch.arange(side) + 0.5
    rows, columns = (places >= starts) & (places < starts + sizes)
    chosen = torch.rand(count, 1, 1, generator=generator) < chance
    hidden = (rows[:, :, None] & columns[:, None, :] & chosen).to(pixels.device)
    return torch.where(hidden[..., None], pixels.mean(dim=(0, 1, 2)), pixels)


def _mirror(index: Tensor, side: int) -> Tensor:
    """Indices beyond an edge, mirrored at it without repeating the edge itself."""
    index = index.abs()
    return torch.where(index >= side, 2 * (side - 1) - index, index)
