"""Cells from scratch: every vector is a network that trains, costs what the formula says, and exports."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.errors import SpaceError
from search_engine.space.architecture import Cell, Genome, Node, Scratch
from search_engine.space.canonical import key_of
from search_engine.space.cells import CellsSpace
from search_engine.space.draw import draw
from search_engine.space.networks import build
from search_engine.space.scratch import scratch_layout
from search_engine.trial import Vector
from tests.engine.space import scratches
from tests.engine.space.scratches import CLASSES, vectors

SPACE = CellsSpace(32, augmented=True)


def start() -> Genome:
    return SPACE.decode(SPACE.starts[0])


@settings(max_examples=100, deadline=None)
@given(vectors(SPACE), st.integers(0, 2**32))
def test_mutation_changes_one_decision_and_the_network(vector: Vector, seed: int) -> None:
    scratches.check_mutation(SPACE, vector, seed)


@settings(max_examples=60, deadline=None)
@given(vectors(SPACE), st.sampled_from([31, 32, 48, 64]))
def test_cost_equals_the_built_network(vector: Vector, resolution: int) -> None:
    genome = SPACE.decode(vector)
    assert genome.scratch is not None
    resized = dataclasses.replace(genome.scratch, resolution=resolution)
    scratches.check_cost(dataclasses.replace(genome, scratch=resized))


@settings(max_examples=40, deadline=None)
@given(vectors(SPACE))
def test_every_weight_is_trained(vector: Vector) -> None:
    scratches.check_training(SPACE.decode(vector))


def test_onnx_answers_like_torch() -> None:
    scratches.check_export(start())


def test_cells_are_stacked_as_in_nasnet() -> None:
    """Normal, reduction, normal, reduction, normal; the grid halves and the channels double at reductions."""
    plan = scratch_layout(start())
    assert [cell.reduction for cell in plan.cells] == [False, True, False, True, False]
    assert [cell.grid_out for cell in plan.cells] == [16, 8, 8, 4, 4]
    assert [cell.width_out for cell in plan.cells] == [24, 48, 48, 96, 96]
    assert plan.features == 96


def test_swapped_operands_are_the_same_network_and_other_recipes_are_not() -> None:
    genome = start()
    assert genome.normal is not None
    swapped = Cell(tuple(Node(n.input_b, n.op_b, n.input_a, n.op_a) for n in genome.normal.nodes))
    recipe = genome.recipe
    changes = [
        dataclasses.replace(genome, recipe=dataclasses.replace(recipe, flip=True)),
        dataclasses.replace(genome, recipe=dataclasses.replace(recipe, shift=4)),
        dataclasses.replace(genome, recipe=dataclasses.replace(recipe, augment="affine_strong")),
        dataclasses.replace(genome, recipe=dataclasses.replace(recipe, erase=0.5)),
        dataclasses.replace(genome, scratch=Scratch(48, "conv_3x3")),
        dataclasses.replace(genome, scratch=Scratch(32, "patch_4x4")),
        dataclasses.replace(genome, width=16),
        dataclasses.replace(genome, repeats=2),
    ]
    assert key_of(dataclasses.replace(genome, normal=swapped)) == key_of(genome)
    assert len({key_of(g) for g in (genome, *changes)}) == 1 + len(changes)


def test_the_same_seed_builds_the_same_network() -> None:
    outputs = []
    for _ in range(2):
        torch.manual_seed(7)
        model = build(Genome.from_dict(start().to_dict()), CLASSES).eval()
        with torch.no_grad():
            outputs.append(model(scratches.pixels(2, 32)))
    assert torch.equal(*outputs)


def test_its_drawing_names_stem_and_cells() -> None:
    svg = draw(start(), CLASSES)
    root = ElementTree.fromstring(svg)  # noqa: S314
    shown = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Stem", "conv 3×3, ÷2", "32 × 32 px", "Normal cell", "Reduction cell", "used 3 times"} <= shown
    assert "A network from scratch: 5 cells, 24 channels at first" in svg
    assert "trunk" not in svg


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scratch": None}, "either a trunk or"),
        ({"scratch": Scratch(32, "funnel")}, "unknown stem 'funnel'"),
        ({"scratch": Scratch(4, "conv_3x3")}, "8 pixels or more"),
        ({"reduction": None}, "a normal and a reduction cell"),
        ({"normal": Cell((Node(0, "warp", 1, "identity"),))}, "unknown operation 'warp'"),
    ],
)
def test_an_impossible_genome_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    with pytest.raises(SpaceError, match=reason):
        build(dataclasses.replace(start(), **change), CLASSES)  # type: ignore[arg-type]


def test_a_genome_of_another_resolution_is_refused() -> None:
    with pytest.raises(SpaceError, match="see 48 pixels"):
        CellsSpace(48).encode(start())
