"""Weights, multiply-adds and memory of a network by formula, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from search_engine.space.architecture import Genome
from search_engine.space.layout import Layout, PlacedCell, layout

BYTES = 4
"""Of one float32 number."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs to keep and to run on one picture.

    Attributes:
        parameters: trainable numbers and the trunk's frozen ones; batch-norm statistics do not count.
        macs: multiply-adds of convolutions and linear layers, trunk included. The trunk always runs as a
            whole, whatever the taps, because its embedding comes from its last layer.
        memory_bytes: float32 weights, and the largest set of activations alive at once above the trunk.
    """

    parameters: int
    macs: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class _Sum:
    parameters: int = 0
    macs: int = 0

    def __add__(self, other: _Sum) -> _Sum:
        return _Sum(self.parameters + other.parameters, self.macs + other.macs)


def cost(genome: Genome, classes: int) -> Cost:
    """The cost of ``build.Candidate(genome, classes)`` together with its trunk.

    Raises:
        SpaceError: the genome makes no network.
    """
    plan = layout(genome)
    total = _head(plan.features, genome.head.hidden, classes)
    total += _Sum(plan.spec.parameters, plan.spec.macs(genome.trunk.resolution))
    if plan.cells:
        total += _convolution(plan.tap_channels, plan.width, plan.grid)
        for cell in plan.cells:
            total += _cell(cell, plan.width)
    return Cost(total.parameters, total.macs, BYTES * (total.parameters + _peak_activations(plan)))


def _convolution(channels_in: int, channels_out: int, grid: int) -> _Sum:
    """A 1 x 1 convolution without bias, then batch norm; ``grid`` is the output's side."""
    weights = channels_in * channels_out
    return _Sum(weights + 2 * channels_out, weights * grid**2)


def _cell(cell: PlacedCell, width: int) -> _Sum:
    total = _convolution(len(cell.graph.outputs) * width, width, cell.grid_out)
    for source in cell.sources:
        if source.reduce:
            total += _convolution(width, width, cell.grid_in)
    for pair in cell.graph.nodes:
        for state, op in pair:
            strided = cell.reduction and state < cell.graph.inputs
            total += _operation(op, width, cell.grid_out, strided=strided)
    return total


def _operation(op: str, width: int, grid: int, *, strided: bool) -> _Sum:
    if op == "conv_1x1" or (op == "identity" and strided):
        return _convolution(width, width, grid)
    if op in ("sep_conv_3x3", "sep_conv_5x5"):
        depthwise = width * (9 if op == "sep_conv_3x3" else 25)
        return _convolution(width, width, grid) + _Sum(depthwise, depthwise * grid**2)
    return _Sum()


def _linear(features: int, units: int) -> _Sum:
    return _Sum(features * units + units, features * units)


def _head(features: int, hidden: int, classes: int) -> _Sum:
    if hidden == 0:
        return _linear(features, classes)
    return _linear(features, hidden) + _linear(hidden, classes)


def _peak_activations(plan: Layout) -> int:
    """Numbers alive at once: in each cell its sources, every node and the output; before them the taps."""
    peaks = [plan.features]
    if plan.cells:
        peaks.append((plan.tap_channels + plan.width) * plan.grid**2)
    for cell in plan.cells:
        read = len(cell.sources) * cell.grid_in**2
        written = (len(cell.graph.nodes) + len(cell.graph.outputs) + 1) * cell.grid_out**2
        peaks.append(plan.width * (read + written))
    return max(peaks)
