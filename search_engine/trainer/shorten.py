"""Examples of a shorter training: fewer pictures, or smaller ones."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from search_engine.space.scratch import PIXELS
from search_engine.trainer.loop import Examples

CHUNK = 1024
"""Pictures that are made smaller at a time; as floats they take four times their memory."""


def fewer(examples: Examples, share: float) -> Examples:
    """A share of the examples, of each label, or set of labels, alike and at least one.

    The same for every network.

    Args:
        examples: all.
        share: 0..1.
    """
    if share >= 1.0:
        return examples
    labels = torch.unique(examples.labels.cpu(), dim=0, return_inverse=True)[1]
    shuffled = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    kept = [
        of_label[: math.ceil(share * len(of_label))]
        for label in torch.unique(labels)
        for of_label in [shuffled[labels[shuffled] == label]]
    ]
    rows = examples.rows[torch.cat(kept).sort().values.to(examples.rows.device)]
    return replace(examples, rows=rows)


def smaller(examples: Examples, side: int) -> Examples:
    """The examples on pictures of another side in pixels, each pixel a mean over an area."""
    pixels = examples.features.get(PIXELS)
    if pixels is None or pixels.shape[1] == side:
        return examples
    parts = [_shrink(part, side) for part in torch.split(pixels, CHUNK)]
    return replace(examples, features={**examples.features, PIXELS: torch.cat(parts)})


def _shrink(pixels: Tensor, side: int) -> Tensor:
    """(N, R, R, 3) uint8 to (N, side, side, 3) uint8."""
    planes = pixels.permute(0, 3, 1, 2).float()
    small = F.interpolate(planes, size=(side, side), mode="area")
    return small.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
