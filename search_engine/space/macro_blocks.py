"""Stem and blocks of networks from scratch, as torch modules: convolution-batch norm-ReLU throughout."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.space.counting import KERNELS
from search_engine.space.scratch import STEM_KERNELS, PlacedBlock, ScratchLayout, squeeze_units


class SqueezeExcite(nn.Module):
    """Weigh channels by what the whole grid shows (Hu et al., 2018); keeps the shape (N, C, G, G)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        units = squeeze_units(channels)
        self.down = nn.Linear(channels, units)
        self.up = nn.Linear(units, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.up(F.relu(self.down(x.mean(dim=(2, 3))))))
        return x * gate[:, :, None, None]


class MacroBlock(nn.Module):
    """One placed block; (N, channels_in, G, G) to (N, channels_out, G', G')."""

    def __init__(self, block: PlacedBlock) -> None:
        super().__init__()
        self.adds_input = block.kind != "conv" and (block.kind == "residual" or block.same_shape)
        self.body = nn.Sequential(*_body(block))
        self.project: nn.Module = nn.Identity()
        if block.kind == "residual" and not block.same_shape:
            self.project = nn.Sequential(*_conv(block.channels_in, block.channels_out, 1, block.stride))
        self.rectify: nn.Module = nn.ReLU() if block.kind == "residual" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        out: Tensor = self.rectify(y + self.project(x)) if self.adds_input else y
        return out


def make_stem(plan: ScratchLayout) -> nn.Sequential:
    """Picture (N, 3, R, R) to (N, width, grid, grid)."""
    kernel = STEM_KERNELS[plan.stem]
    stride = 2 if plan.stem == "conv_3x3" else kernel
    padding = 1 if plan.stem == "conv_3x3" else -plan.resolution % kernel
    layers: list[nn.Module] = []
    if plan.stem != "conv_3x3" and padding:
        layers.append(nn.ZeroPad2d((0, padding, 0, padding)))
        padding = 0
    conv = nn.Conv2d(3, plan.width, kernel, stride=stride, padding=padding, bias=False)
    return nn.Sequential(*layers, conv, nn.BatchNorm2d(plan.width))


def start_as_identity(network: nn.Module) -> None:
    """Let a fresh network hand on what it sees, as airbench does: few epochs then suffice.

    Full filters begin as the identity as far as the channels go, depthwise ones with a one in their middle.
    Blocks that are added to their input add something from the first step: to let them begin at nothing, as
    is usual for many passes over the pictures, cost half of the accuracy of four (decision 11).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size[0] in (3, 5):
            with torch.no_grad():
                if module.groups == 1:
                    nn.init.dirac_(module.weight[: module.in_channels])
                else:
                    middle = module.kernel_size[0] // 2
                    module.weight[:, :, middle, middle] = 1.0


def _conv(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, groups: int = 1, grid: int = 32
) -> list[nn.Module]:
    """Convolution and batch norm; where the filter is larger than the grid the padding is written out.

    oneDNN is several times slower there otherwise (measured in ``blocks.separable``).
    """
    padding = kernel // 2
    outside = [nn.ZeroPad2d(padding)] if grid < kernel else []
    conv = nn.Conv2d(
        channels_in,
        channels_out,
        kernel,
        stride=stride,
        padding=0 if outside else padding,
        groups=groups,
        bias=False,
    )
    return [*outside, conv, nn.BatchNorm2d(channels_out)]


def _body(block: PlacedBlock) -> list[nn.Module]:
    before, inside, after = block.channels_in, block.inner, block.channels_out
    stride, grid = block.stride, block.grid_in
    squeeze: list[nn.Module] = [SqueezeExcite(inside)] if block.squeeze else []
    if block.kind == "conv":
        return [*_conv(before, after, 3, stride, grid=grid), nn.ReLU(), *squeeze]
    if block.kind == "residual":
        first = _conv(before, after, 3, stride, grid=grid)
        return [*first, nn.ReLU(), *_conv(after, after, 3, grid=block.grid_out), *squeeze]
    if block.kind == "fused_mbconv":
        first = [*_conv(before, inside, 3, stride, grid=grid), nn.ReLU()]
    else:
        kernel = KERNELS[block.kind]
        depthwise = _conv(inside, inside, kernel, stride, groups=inside, grid=grid)
        first = [*_conv(before, inside, 1), nn.ReLU(), *depthwise, nn.ReLU()]
    return [*first, *squeeze, *_conv(inside, after, 1)]
