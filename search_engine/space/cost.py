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
from search_engine.space.layout import Layout, layout
from search_engine.space.scratch import STEM_KERNELS, scratch_layout

BYTES = 4
"""Of one float32 number."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs to keep and to run on one picture.

    Attributes:
        parameters: trainable numbers and the trunk's frozen ones; batch-norm statistics do not count.
        macs: multiply-adds of convolutions and linear layers, trunk included. A trunk always runs as a
            whole, whatever the taps, because its embedding comes from its last layer. Stages of it that are
            trained take the place of the frozen ones.
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
    frozen = [
        (genome.trunk, _frozen(layout(genome), genome.resolution)) for genome in genomes if genome.trunk
    ]
    total = Sum(sum(c.parameters for c in each), sum(c.macs for c in each))
    for trunk in {trunk for trunk, _ in frozen}:
        parts = sorted((part for of, part in frozen if of == trunk), key=lambda part: part.macs)
        for part in parts[:-1]:  # within the longest
            total += Sum(-part.parameters, -part.macs)
    parameters, macs = total.parameters, total.macs
    alive = max(c.memory_bytes - BYTES * c.parameters for c in each)
    return Cost(parameters, macs, BYTES * parameters + alive)


def frozen_share(genome: Genome) -> float:
    """Of a trunk's multiply-adds, those of the stages that the genome leaves frozen, 0..1."""
    plan = layout(genome)
    return _frozen(plan, 32).macs / plan.spec.macs(32)


def _frozen(plan: Layout, resolution: int) -> Sum:
    """The part of the trunk that all networks on it share."""
    whole = Sum(plan.spec.parameters, plan.spec.macs(resolution))
    return whole if plan.tail is None else whole + Sum(-plan.tail.parameters, -plan.tail.macs(resolution))


def _on_trunk(genome: Genome, classes: int) -> tuple[Sum, int]:
    """Weights and multiply-adds, and numbers alive at once above the frozen part of the trunk."""
    plan = layout(genome)
    total = classifier(plan.features, genome.head.hidden, classes)
    total += Sum(plan.spec.parameters, plan.spec.macs(genome.resolution))
    peaks = [plan.features, *(cell_activations(cell) for cell in plan.cells)]
    if plan.tail:
        peaks.append(plan.tail.alive_at_32 * (genome.resolution // 32) ** 2)
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
