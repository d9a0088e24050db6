"""Weights and multiply-adds of the parts of networks by formula, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from search_engine.space.layout import PlacedCell
from search_engine.space.scratch import PlacedBlock, squeeze_units

KERNELS = {"mbconv_e3k3": 3, "mbconv_e6k5": 5}
"""Sides of the depthwise filters of inverted bottlenecks."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Of weights and multiply-adds."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.parameters + other.parameters, self.macs + other.macs)


def convolution(channels_in: int, channels_out: int, grid: int, kernel: int = 1) -> Sum:
    """A convolution without bias, then batch norm; ``grid`` is the output's side."""
    weights = channels_in * channels_out * kernel**2
    return Sum(weights + 2 * channels_out, weights * grid**2)


def placed_cell(cell: PlacedCell) -> Sum:
    """The cost of ``build.CellBlock(cell)``."""
    width = cell.width
    total = convolution(len(cell.graph.outputs) * width, cell.width_out, cell.grid_out)
    for source in cell.sources:
        if source.reduce:
            total += convolution(source.channels, width, cell.grid_in)
    for pair in cell.graph.nodes:
        for state, op in pair:
            strided = cell.reduction and state < cell.graph.inputs
            total += _operation(op, width, cell.grid_out, strided=strided)
    return total


def _operation(op: str, width: int, grid: int, *, strided: bool) -> Sum:
    if op == "conv_1x1" or (op == "identity" and strided):
        return convolution(width, width, grid)
    if op in ("sep_conv_3x3", "sep_conv_5x5"):
        depthwise = width * (9 if op == "sep_conv_3x3" else 25)
        return convolution(width, width, grid) + Sum(depthwise, depthwise * grid**2)
    return Sum()


def linear(features: int, units: int) -> Sum:
    """A linear layer with bias."""
    return Sum(features * units + units, features * units)


def classifier(features: int, hidden: int, classes: int) -> Sum:
    """The cost of ``build.classifier``."""
    if hidden == 0:
        return linear(features, classes)
    return linear(features, hidden) + linear(hidden, classes)


def cell_activations(cell: PlacedCell) -> int:
    """Numbers alive at once in a cell: what it reads, every node, what is joined, and the output."""
    read = len(cell.sources) * cell.width * cell.grid_in**2
    joined = (len(cell.graph.nodes) + len(cell.graph.outputs)) * cell.width + cell.width_out
    return read + joined * cell.grid_out**2


def placed_block(block: PlacedBlock) -> Sum:
    """The cost of ``macro_blocks.MacroBlock(block)``."""
    inside, out, grid = block.inner, block.channels_out, block.grid_out
    total = _squeeze(inside) if block.squeeze else Sum()
    if block.kind == "conv":
        return total + convolution(block.channels_in, out, grid, 3)
    if block.kind == "residual":
        total += convolution(block.channels_in, out, grid, 3) + convolution(out, out, grid, 3)
        return total if block.same_shape else total + convolution(block.channels_in, out, grid)
    total += convolution(inside, out, grid)
    if block.kind == "fused_mbconv":
        return total + convolution(block.channels_in, inside, grid, 3)
    depthwise = inside * KERNELS[block.kind] ** 2
    total += Sum(depthwise + 2 * inside, depthwise * grid**2)
    return total + convolution(block.channels_in, inside, block.grid_in)


def _squeeze(channels: int) -> Sum:
    units = squeeze_units(channels)
    return linear(channels, units) + linear(units, channels)


def block_activations(block: PlacedBlock) -> int:
    """Numbers alive at once in a block: what it reads, its widest inside twice, and the output."""
    widest = block.inner * (block.grid_in if block.kind in KERNELS else block.grid_out) ** 2
    return block.channels_in * block.grid_in**2 + 2 * widest + block.channels_out * block.grid_out**2
