"""Pictures changed at random by a policy: TrivialAugment, or one that was learned on these very pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from search_engine.space.policies import CHANGES, TRIVIAL, Policy
from search_engine.trainer.operations import SIGNED, change


def trivial(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """One operation a picture, any of them, as strong as it happens (Müller and Hutter 2021).

    Args:
        pixels: (N, R, R, 3) float32, 0..255.
        generator: on the CPU, of the random numbers, so that every device draws the same.
    """
    which = torch.randint(0, len(TRIVIAL), (len(pixels),), generator=generator)
    return change(pixels, which, _signed(which, torch.rand(len(pixels), generator=generator), generator))


def follow(pixels: Tensor, policy: Policy, generator: torch.Generator) -> Tensor:
    """One sub-policy a picture, drawn anew each time: its two operations, one after the other.

    Args:
        pixels: (N, R, R, 3) float32, 0..255.
        policy: one sub-policy or more.
        generator: on the CPU, of the random numbers.
    """
    count = len(pixels)
    chosen = torch.randint(0, len(policy), (count,), generator=generator)
    for place in (0, 1):
        uses = [pair[place] for pair in policy]
        which = torch.tensor([CHANGES.index(use.operation) for use in uses])[chosen]
        probability = torch.tensor([use.probability for use in uses])[chosen]
        magnitude = torch.tensor([use.magnitude for use in uses])[chosen]
        spared = torch.rand(count, generator=generator) >= probability
        which = torch.where(spared, CHANGES.index("identity"), which)
        pixels = change(pixels, which, _signed(which, magnitude, generator))
    return pixels


def _signed(which: Tensor, magnitudes: Tensor, generator: torch.Generator) -> Tensor:
    """To either side for those operations that have two."""
    other_side = torch.rand(len(which), generator=generator) < 0.5
    two_sided = torch.isin(which, torch.tensor([CHANGES.index(name) for name in sorted(SIGNED)]))
    return torch.where(other_side & two_sided, -magnitudes, magnitudes)
