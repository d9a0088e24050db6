"""The operations of AutoAugment and TrivialAugment on batches, each picture its own and as strong as told.

Torchvision's kernels take one strength a batch. So they do what needs none, and give the far end of the four
blends (black, grey, flat, blurred), between which and the picture each picture's own strength then blends.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as kernels

from search_engine.space.policies import CHANGES, GEOMETRIC

SHEAR = 0.3  # tangent, at full strength
TRANSLATE = 0.31  # of the side: RandAugment's 10 of 32 pixels
ROTATE = 30.0  # degrees
BLEND = 0.9  # 0.1 to 1.9 times the contrast and the like
BITS = 4  # of eight that posterizing takes away at most; the ranges are AutoAugment's, not the wide ones,
# which its authors advise against for small networks (TrivialAugment's README)

SIGNED = frozenset({*GEOMETRIC, "brightness", "colour", "contrast", "sharpness"})
"""Operations that go to either side."""

Kernel = Callable[[Tensor, Tensor], Tensor]
"""From (n, 3, R, R) in 0..1 and (n, 1, 1, 1) strengths to the changed pictures."""


def change(pixels: Tensor, which: Tensor, strengths: Tensor) -> Tensor:
    """Change each picture by one operation.

    Args:
        pixels: (N, R, R, 3) float32, 0..255, on any device; left as it is.
        which: (N,) int64 on the CPU, indices into ``CHANGES``.
        strengths: (N,) on the CPU, 0..1, or -1..1 of the operations in ``SIGNED``.

    Returns:
        (N, R, R, 3) on the device of ``pixels``.
    """
    planes = pixels.permute(0, 3, 1, 2) / 255.0
    moved = torch.isin(which, torch.tensor([CHANGES.index(name) for name in GEOMETRIC]))
    if bool(moved.any()):
        rows = moved.nonzero()[:, 0]
        planes[rows.to(planes.device)] = _move(planes[rows.to(planes.device)], which[rows], strengths[rows])
    for index in sorted(set(which[~moved].tolist())):
        kernel = COLOURS.get(CHANGES[index])
        if kernel is not None:
            rows = (which == index).nonzero()[:, 0].to(planes.device)
            own = strengths[which == index].to(planes.device)[:, None, None, None]
            planes[rows] = kernel(planes[rows], own)
    return 255.0 * planes.permute(0, 2, 3, 1)


def maps_of(which: Tensor, strengths: Tensor) -> Tensor:
    """(n, 2, 3) maps from a place in the output to the place that it is read from, -1..1 on either axis.

    Args:
        which: (n,) indices into ``CHANGES``, of operations in ``GEOMETRIC``.
        strengths: (n,) in -1..1.
    """
    maps = torch.eye(2, 3).repeat(len(which), 1, 1)
    shear, move = SHEAR * strengths, 2.0 * TRANSLATE * strengths
    for name, (row, column), value in (
        ("shear_x", (0, 1), shear),
        ("shear_y", (1, 0), shear),
        ("translate_x", (0, 2), move),
        ("translate_y", (1, 2), move),
    ):
        maps[:, row, column] += torch.where(which == CHANGES.index(name), value, 0.0)
    turn = torch.where(which == CHANGES.index("rotate"), math.radians(ROTATE) * strengths, 0.0)
    maps[:, 0, 0], maps[:, 1, 1] = turn.cos(), turn.cos()
    maps[:, 0, 1] -= turn.sin()
    maps[:, 1, 0] += turn.sin()
    return maps


def _move(planes: Tensor, which: Tensor, strengths: Tensor) -> Tensor:
    grid = F.affine_grid(maps_of(which, strengths).to(planes.device), list(planes.shape), align_corners=False)
    return F.grid_sample(planes, grid, padding_mode="reflection", align_corners=False)


def _blend(far: Callable[[Tensor], Tensor]) -> Kernel:
    """From the far end at strength -1 over the picture at 0 to as far on the other side at 1."""

    def kernel(planes: Tensor, strengths: Tensor) -> Tensor:
        return torch.lerp(far(planes), planes, 1.0 + BLEND * strengths).clamp(0.0, 1.0)

    return kernel


def _posterize(planes: Tensor, strengths: Tensor) -> Tensor:
    step = 2.0 ** (BITS * strengths).round()
    return ((255.0 * planes + 0.5) / step).floor() * step / 255.0


def _solarize(planes: Tensor, strengths: Tensor) -> Tensor:
    return torch.where(planes >= 1.0 - strengths, 1.0 - planes, planes)


COLOURS: dict[str, Kernel] = {
    "brightness": _blend(torch.zeros_like),
    "colour": _blend(lambda planes: kernels.adjust_saturation(planes, 0.0)),
    "contrast": _blend(lambda planes: kernels.adjust_contrast(planes, 0.0)),
    "sharpness": _blend(lambda planes: kernels.adjust_sharpness(planes, 0.0)),
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": lambda planes, _: kernels.autocontrast(planes),
    "equalize": lambda planes, _: kernels.equalize(planes),
    "invert": lambda planes, _: kernels.invert(planes),
}
