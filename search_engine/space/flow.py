"""How much signal a fresh network of positive weights passes on, on average, carried through a layout.

Two numbers are carried for each channel at each position: the mean value, which is a sum over paths, and the
same sum with each path counted once for every weighted layer on it. Every operation is linear and treats the
two alike, but that a weighted layer counts the paths through it once more.

Mirrors ``build``, ``blocks`` and ``macro_blocks`` with their padding and their initialisation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from search_engine.space.counting import KERNELS
from search_engine.space.layout import PlacedCell
from search_engine.space.scratch import STEM_KERNELS, PlacedBlock, ScratchLayout

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flow:
    """A state of a network. Channels drawn alike are alike on average, so a run of them is kept as one.

    Attributes:
        maps: (2, K, G, G): mean values, and paths by their layers; a map for each run of channels.
        counts: how many channels each run has.
    """

    maps: Floats
    counts: tuple[int, ...]

    @property
    def channels(self) -> int:
        return sum(self.counts)

    def __add__(self, other: Flow) -> Flow:
        """The sum of two states of one shape."""
        ends = sorted({*np.cumsum(self.counts).tolist(), *np.cumsum(other.counts).tolist()})
        maps = self._at(ends) + other._at(ends)
        return Flow(maps, tuple(int(n) for n in np.diff([0, *ends])))

    def first(self, channels: int) -> Flow:
        """The first channels alone."""
        ends = [*(end for end in np.cumsum(self.counts).tolist() if end < channels), channels]
        return Flow(self._at(ends), tuple(int(n) for n in np.diff([0, *ends])))

    def strided(self, stride: int) -> Flow:
        return Flow(self.maps[:, :, ::stride, ::stride], self.counts)

    def counted(self) -> Flow:
        """As it is on the way into a weighted layer."""
        return Flow(np.stack([self.maps[0], self.maps[0] + self.maps[1]]), self.counts)

    def total(self) -> Floats:
        """Summed over channels, (2, 1, G, G)."""
        return np.asarray(np.tensordot(self.maps, np.array(self.counts), axes=(1, 0))[:, None])

    def _at(self, ends: Sequence[int]) -> Floats:
        """The maps of the channels just before some ends."""
        return self.maps[:, np.searchsorted(np.cumsum(self.counts), ends)]


def ones(channels: int, grid: int) -> Flow:
    """The input: every value 1, and no weighted layer passed yet."""
    return Flow(np.stack([np.ones((1, grid, grid)), np.zeros((1, grid, grid))]), (channels,))


def join(flows: Sequence[Flow]) -> Flow:
    """Side by side, as channels."""
    maps = np.concatenate([flow.maps for flow in flows], axis=1)
    return Flow(maps, tuple(count for flow in flows for count in flow.counts))


def magnitude(fan_in: int) -> float:
    """Mean magnitude of a fresh weight: torch draws from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).

    That is ``kaiming_uniform_`` with a = sqrt(5), the default of convolutions and linear layers.
    """
    return 0.5 / math.sqrt(fan_in)


def through(
    flow: Flow, channels: int, *, kernel: int = 1, stride: int = 1, like_identity: bool = False
) -> Flow:
    """A full convolution without bias, padded to keep the grid; then every ``stride``-th position.

    Args:
        flow: what it reads.
        channels: that it gives.
        kernel: odd side of its filters.
        stride: 1 or 2.
        like_identity: the first filters are the identity (``macro_blocks.start_as_identity``).
    """
    counted = flow.counted()
    mean = magnitude(flow.channels * kernel**2)
    same = min(flow.channels, channels) if like_identity else 0
    parts = [counted.first(same)] if same else []
    if same < channels:
        parts.append(Flow(mean * _windows(counted.total(), kernel), (channels - same,)))
    return join(parts).strided(stride)


def depthwise(flow: Flow, kernel: int, *, stride: int = 1, like_identity: bool = False) -> Flow:
    """A depthwise convolution; ``like_identity``: the middle of its filters is 1."""
    counted, mean = flow.counted(), magnitude(kernel**2)
    maps = mean * _windows(counted.maps, kernel)
    if like_identity:
        maps += (1.0 - mean) * counted.maps
    return Flow(maps, flow.counts).strided(stride)


def _windows(maps: Floats, kernel: int) -> Floats:
    """Sums over ``kernel`` x ``kernel`` windows, with zeros outside."""
    if kernel == 1:
        return maps
    band = _band(maps.shape[-1], kernel)
    return np.asarray(band @ maps @ band)


@cache
def _band(grid: int, kernel: int) -> Floats:
    """Which positions of a row are in the window of which, (G, G): symmetric."""
    places = np.arange(grid)
    return np.asarray(np.abs(places[:, None] - places) <= kernel // 2, dtype=np.float64)


def average_pool(flow: Flow, stride: int) -> Flow:
    """Mean over 3 x 3 windows; what is outside does not count."""
    inside = _windows(np.ones(flow.maps.shape[-2:]), 3)
    return Flow(_windows(flow.maps, 3) / inside, flow.counts).strided(stride)


def max_pool(flow: Flow, stride: int) -> Flow:
    """The largest value of 3 x 3 windows, with the paths that lead to it."""

    def windows(maps: Floats, outside: float) -> Floats:
        padded = np.full((len(maps), maps.shape[1] + 2, maps.shape[2] + 2), outside)
        padded[:, 1:-1, 1:-1] = maps
        views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        return views.reshape(*views.shape[:3], 9)

    values = windows(flow.maps[0], -math.inf)
    where = values.argmax(axis=-1)[..., None]
    taken = [np.take_along_axis(v, where, axis=-1)[..., 0] for v in (values, windows(flow.maps[1], 0.0))]
    return Flow(np.stack(taken), flow.counts).strided(stride)


def factorized_reduction(flow: Flow, channels: int) -> Flow:
    """Two strided pointwise convolutions, the second on the grid moved by one, side by side."""
    moved = np.zeros_like(flow.maps)
    moved[:, :, :-1, :-1] = flow.maps[:, :, 1:, 1:]
    half = channels // 2
    odd = through(Flow(moved, flow.counts), channels - half, stride=2)
    return join([through(flow, half, stride=2), odd])


def operation(name: str, flow: Flow, stride: int, *, like_identity: bool) -> Flow:
    """An operation of ``architecture.OPERATIONS``, as ``blocks.operation`` builds it."""
    channels = flow.channels
    if name == "identity":
        return flow if stride == 1 else factorized_reduction(flow, channels)
    if name == "avg_pool_3x3":
        return average_pool(flow, stride)
    if name == "max_pool_3x3":
        return max_pool(flow, stride)
    if name == "conv_1x1":
        return through(flow, channels, stride=stride)
    kernel = 3 if name == "sep_conv_3x3" else 5
    return through(depthwise(flow, kernel, stride=stride, like_identity=like_identity), channels)


def run_cell(cell: PlacedCell, earlier: Sequence[Flow], *, like_identity: bool) -> Flow:
    """What ``build.CellBlock(cell)`` passes on; ``earlier`` is the stem and the cells before."""
    states = [
        factorized_reduction(earlier[source.index], cell.width) if source.reduce else earlier[source.index]
        for source in cell.sources
    ]
    for pair in cell.graph.nodes:
        first, second = (
            operation(
                op,
                states[state],
                2 if cell.reduction and state < cell.graph.inputs else 1,
                like_identity=like_identity,
            )
            for state, op in pair
        )
        states.append(first + second)
    return through(join([states[state] for state in cell.graph.outputs]), cell.width_out)


def stem(plan: ScratchLayout) -> Flow:
    """What ``macro_blocks.make_stem`` passes on of a picture of ones."""
    picture = ones(3, plan.resolution)
    if plan.stem == "conv_3x3":
        return through(picture, plan.width, kernel=3, stride=2, like_identity=True)
    kernel = STEM_KERNELS[plan.stem]
    outside = plan.grid * kernel - plan.resolution
    padded = np.pad(picture.counted().total(), ((0, 0), (0, 0), (0, outside), (0, outside)))
    patches = padded.reshape(2, 1, plan.grid, kernel, plan.grid, kernel).sum(axis=(3, 5))
    return Flow(magnitude(3 * kernel**2) * patches, (plan.width,))


def run_block(block: PlacedBlock, flow: Flow) -> Flow:
    """What ``macro_blocks.MacroBlock(block)`` passes on."""
    body = _body(block, flow)
    if block.kind == "conv":
        return body
    if block.same_shape:
        return body + flow
    if block.kind == "residual":
        return body + through(flow, block.channels_out, stride=block.stride)
    return body


def _body(block: PlacedBlock, flow: Flow) -> Flow:
    inside, out, stride = block.inner, block.channels_out, block.stride
    if block.kind in KERNELS:
        expanded = through(flow, inside)
        return through(depthwise(expanded, KERNELS[block.kind], stride=stride, like_identity=True), out)
    first = through(flow, inside, kernel=3, stride=stride, like_identity=True)
    if block.kind == "conv":
        return first
    return through(
        first, out, kernel=3 if block.kind == "residual" else 1, like_identity=block.kind == "residual"
    )


def pooled(flow: Flow) -> Flow:
    """Mean over the grid."""
    return Flow(flow.maps.mean(axis=(2, 3), keepdims=True), flow.counts)


def head(features: Flow, hidden: int, classes: int) -> tuple[float, float]:
    """Sum of all outputs of ``build.classifier``, and the same with paths counted for each weighted layer."""
    if hidden:
        features = through(features, hidden)
    value, counted = through(features, classes).total().ravel()
    return float(value), float(counted)
