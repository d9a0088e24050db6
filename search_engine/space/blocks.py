"""The operations of a cell as torch modules, each ReLU-convolution-batch norm as in NASNet and ENAS.

Everything here exports to ONNX: fixed kernels, no adaptive pooling, average pools that do not count padding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import SpaceError


class FactorizedReduction(nn.Module):
    """Halve the grid (rounding up) without losing every other position: two shifted 1 x 1 convolutions.

    ENAS's and NASNet's factorised reduction; (N, C, G, G) to (N, C', ceil(G / 2), ceil(G / 2)).
    """

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(channels, channels_out // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels, channels_out - channels_out // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        joined = torch.cat([self.even(x), self.odd(shifted)], dim=1)
        out: Tensor = self.norm(joined)
        return out


def pointwise(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """ReLU, 1 x 1 convolution, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False),
        nn.BatchNorm2d(channels_out),
    )


def separable(channels: int, kernel: int, stride: int, grid: int) -> nn.Sequential:
    """ReLU, depthwise and pointwise convolution, batch norm.

    Applied once, not twice as in NASNet: on the small grids above a pretrained trunk the second
    application costs as much again and widens the view beyond the grid.
    """
    # oneDNN is two to four times slower where the kernel is larger than the unpadded grid (measured: 5 x 5 on
    # 4 x 4 positions, 64 channels, 64 pictures: 3.8 against 1.6 ms), so there the padding is written out.
    padding = kernel // 2
    outside = [nn.ZeroPad2d(padding)] if grid < kernel else []
    inside = 0 if outside else padding
    return nn.Sequential(
        nn.ReLU(),
        *outside,
        nn.Conv2d(channels, channels, kernel, stride=stride, padding=inside, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


def operation(name: str, channels: int, stride: int, grid: int) -> nn.Module:
    """The module for an operation of ``architecture.OPERATIONS``.

    Args:
        name: of the operation.
        channels: in and out.
        stride: 1, or 2 to halve the grid, rounding up.
        grid: side of the grid that it reads.

    Raises:
        SpaceError: there is no such operation.
    """
    if name == "identity":
        return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)
    if name == "conv_1x1":
        return pointwise(channels, channels, stride)
    if name in ("sep_conv_3x3", "sep_conv_5x5"):
        return separable(channels, 3 if name == "sep_conv_3x3" else 5, stride, grid)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride=stride, padding=1)
    raise SpaceError(f"unknown operation {name!r}")
