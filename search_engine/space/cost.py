"""Weights, multiply-adds and memory of a network by formula, before anything is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_engine.space.architecture import Genome
from search_engine.space.counting import (
    Sum,
    block_activations,
    cell_activations,
    classifier,
    convolution,
    placed_block,
    placed_cell,
)
from search_engine.space.layout import layout
from search_engine.space.scratch import STEM_KERNELS, scratch_layout
from search_engine.space.trunks import TRUNKS

BYTES = 4
"""Of one float32 number."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs to keep and to run on one picture.

    Attributes:
        parameters: trainable numbers and the trunk's frozen ones; batch-norm statistics do not count.
        macs: multiply-adds of convolutions and linear layers, trunk included. A trunk always runs as a
            whole, whatever the taps, because its embedding comes from its last layer.
        memory_bytes: float32 weights, and the largest set of activations alive at once above the
            trunk.
    """

    parameters: int
    macs: int
    memory_bytes: int


def cost(genome: Genome, classes: int) -> Cost:
    """The cost of ``networks.build(genome, classes)``, together with its trunk if it has one.

    Raises:
        SpaceError: the genome makes no network.
    """
    total, alive = (_from_scratch if genome.trunk is None else _on_trunk)(genome, classes)
    return Cost(total.parameters, total.macs, BYTES * (total.parameters + alive))


def cost_together(genomes: Sequence[Genome], classes: int) -> Cost:
    """The cost of several networks that answer together; a trunk that they share is kept and run once.

    Raises:
        SpaceError: a genome makes no network.
    """
    each = [cost(genome, classes) for genome in genomes]
    shared = [genome.trunk for genome in genomes if genome.trunk is not None]
    again = [shared[i] for i in range(len(shared)) if shared[i] in shared[:i]]
    parameters = sum(c.parameters for c in each) - sum(TRUNKS[t.name].parameters for t in again)
    macs = sum(c.macs for c in each) - sum(TRUNKS[t.name].macs(t.resolution) for t in again)
    alive = max(c.memory_bytes - BYTES * c.parameters for c in each)
    return Cost(parameters, macs, BYTES * parameters + alive)


def _on_trunk(genome: Genome, classes: int) -> tuple[Sum, int]:
    """Weights and multiply-adds, and numbers alive at once above the trunk."""
    plan = layout(genome)
    total = classifier(plan.features, genome.head.hidden, classes)
    total += Sum(plan.spec.parameters, plan.spec.macs(genome.resolution))
    peaks = [plan.features, *(cell_activations(cell) for cell in plan.cells)]
    if plan.cells:
        total += convolution(plan.tap_channels, plan.width, plan.grid)
        peaks.append((plan.tap_channels + plan.width) * plan.grid**2)
    return sum((placed_cell(cell) for cell in plan.cells), total), max(peaks)


def _from_scratch(genome: Genome, classes: int) -> tuple[Sum, int]:
    plan = scratch_layout(genome)
    total = classifier(plan.features, genome.head.hidden, classes)
    total += convolution(3, plan.width, plan.grid, STEM_KERNELS[plan.stem])
    total = sum((placed_cell(cell) for cell in plan.cells), total)
    total = sum((placed_block(block) for block in plan.blocks), total)
    peaks = [3 * plan.resolution**2 + plan.width * plan.grid**2]
    peaks += [cell_activations(cell) for cell in plan.cells]
    peaks += [block_activations(block) for block in plan.blocks]
    return total, max(peaks)
