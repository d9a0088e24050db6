"""Zero-cost proxies: what a genome promises before anything is built. By formula, without torch.

Weights, multiply-adds, and the synflow score that a freshly initialised network can be expected to have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from search_engine.space.architecture import Genome
from search_engine.space.cost import cost
from search_engine.space.flow import Flow, head, join, ones, pooled, run_block, run_cell, stem, through
from search_engine.space.layout import layout
from search_engine.space.scratch import scratch_layout


class Proxies(NamedTuple):
    """Natural logarithms, so that they are comparable over orders of magnitude; more is said to be better.

    Attributes:
        parameters: of weights, trunk included.
        macs: of multiply-adds, trunk included.
        synflow: of the expected synflow score of the trainable part.
    """

    parameters: float
    macs: float
    synflow: float


def proxies(genome: Genome, classes: int) -> Proxies:
    """All proxies of a genome.

    Raises:
        SpaceError: the genome makes no network.
    """
    total = cost(genome, classes)
    return Proxies(math.log(total.parameters), math.log(total.macs), log_synflow(genome, classes))


def log_synflow(genome: Genome, classes: int) -> float:
    """The logarithm of the synflow score that ``networks.build(genome, classes)`` has on average.

    Synflow (Tanaka et al. 2020, arXiv:2006.05467) is the sum of ``|w * dR/dw|`` over all weights, where R is
    the sum of a network's outputs for an input of ones after every weight was replaced by its magnitude. As
    for zero-cost NAS (Abdelfattah et al. 2021, arXiv:2101.08134) batch norm is left out; so are biases, and
    the gates of squeeze and excitation are 1.

    Such a network is linear: R is a sum over paths, and a path through n weighted layers is counted in n of
    the terms. Weights of different layers are drawn independently, so a path's mean is the product of the
    means of its weights, and both sums are carried forward through the graph together (``flow``). That is
    exact but for max pooling, where the maximum of means stands for the mean of maxima.

    Raises:
        SpaceError: the genome makes no network.
    """
    features = _from_scratch(genome) if genome.trunk is None else _on_trunk(genome)
    _, counted = head(features, genome.head.hidden, classes)
    return math.log(counted)


def _from_scratch(genome: Genome) -> Flow:
    plan = scratch_layout(genome)
    states = [stem(plan)]
    for cell in plan.cells:
        states.append(run_cell(cell, states, like_identity=True))
    last = states[-1]
    for block in plan.blocks:
        last = run_block(block, last)
    return pooled(last)


def _on_trunk(genome: Genome) -> Flow:
    plan = layout(genome)
    parts = []
    if plan.cells:
        states = [through(ones(plan.tap_channels, plan.grid), plan.width)]
        for cell in plan.cells:
            states.append(run_cell(cell, states, like_identity=False))
        parts.append(pooled(states[-1]))
    if plan.embedding:
        parts.append(pooled(ones(plan.spec.embedding, 1)))
    if plan.pooled:
        parts.append(ones(plan.spec.pooled, 1))
    return join(parts)


def ranks(values: Sequence[float]) -> list[float]:
    """Place of each value from 1, smallest first; equals share the mean of their places, NaN is smallest."""
    column = np.array([-math.inf if math.isnan(value) else value for value in values], dtype=np.float64)
    below = (column[None, :] < column[:, None]).sum(axis=1)
    equal = (column[None, :] == column[:, None]).sum(axis=1)
    return [float(place) for place in below + (equal + 1) / 2]


def rank_sum(scores: Sequence[tuple[float, ...]]) -> list[float]:
    """How good each candidate is among these by all its scores: the sum of its ranks, more is better.

    Ranks and not values, so that no score needs a scale (AZ-NAS, Lee and Ham 2024, adds ranks too).
    """
    if not scores:
        return []
    columns = [ranks(column) for column in zip(*scores, strict=True)]
    return [sum(places) for places in zip(*columns, strict=True)]
