"""Stages from scratch: every vector is a network that trains, costs what the formula says, and exports."""

from __future__ import annotations

import dataclasses
import random
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.errors import SpaceError
from search_engine.space.architecture import BLOCKS, Genome, Scratch, Stage, Trunk
from search_engine.space.canonical import key_of
from search_engine.space.draw import draw
from search_engine.space.macro import MacroSpace
from search_engine.space.macro_blocks import MacroBlock
from search_engine.space.networks import build
from search_engine.space.offer import Offer
from search_engine.space.registry import SPACES, make_space
from search_engine.space.scratch import PlacedBlock, scratch_layout
from search_engine.trial import Vector
from tests.engine.space import scratches
from tests.engine.space.scratches import CLASSES, vectors

SPACE = MacroSpace(32, augmented=True)


def with_stages(*stages: Stage, stem: str = "conv_3x3", resolution: int = 32) -> Genome:
    return dataclasses.replace(SPACE.decode(SPACE.starts[0]), scratch=Scratch(resolution, stem, stages))


@pytest.mark.parametrize(("name", "length"), [("macro", 27), ("cells", 44)])
def test_searches_planned_before_recipes_bent_pictures_keep_their_decisions(name: str, length: int) -> None:
    """Their trials hold shorter vectors, and genomes that say nothing of it."""
    trunk = Trunk("efficientnet_lite0", 32)
    older, newer = make_space(name, trunk), make_space(name, trunk, offer=Offer(augmented=True))
    vector = older.sample(random.Random(3))
    assert len(vector) == length
    genome = older.decode(vector)
    stored = genome.to_dict()
    for field in ("augment", "erase", "balance"):
        del stored["recipe"][field]
    assert Genome.from_dict(stored) == genome
    assert newer.decode(newer.encode(genome)) == genome
    assert newer.key(newer.encode(genome)) == older.key(vector)


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


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("squeeze", [False, True])
def test_each_block_exports_and_costs_what_the_formula_says(block: str, squeeze: bool) -> None:
    genome = with_stages(Stage(2, 16, block, squeeze), Stage(2, 24, block, squeeze), stem="patch_4x4")
    scratches.check_export(genome)
    scratches.check_cost(genome)


def test_the_grid_halves_from_stage_to_stage() -> None:
    stages = (Stage(1, 16, "conv", False), Stage(2, 24, "residual", False), Stage(1, 48, "mbconv_e3k3", True))
    plan = scratch_layout(with_stages(*stages))
    assert [block.grid_out for block in plan.blocks] == [16, 8, 8, 4]
    assert [block.channels_out for block in plan.blocks] == [16, 24, 24, 48]
    assert [block.stride for block in plan.blocks] == [1, 2, 1, 2]


@pytest.mark.parametrize("kind", [kind for kind in BLOCKS if kind != "conv"])
def test_a_block_that_is_added_to_its_input_learns_from_the_first_step(kind: str) -> None:
    model = build(with_stages(Stage(2, 16, kind, True), Stage(1, 16, kind, False)), CLASSES).train()
    block = next(module for module in model.modules() if isinstance(module, MacroBlock))
    block(torch.rand(4, 16, 16, 16)).square().sum().backward()
    first = next(module for module in block.body if isinstance(module, torch.nn.Conv2d))
    assert first.weight.grad is not None
    assert float(first.weight.grad.abs().max()) > 0.0


def test_a_missing_fourth_stage_leaves_no_trace() -> None:
    names = [decision.name for decision in SPACE.decisions]
    vector = list(SPACE.starts[0])
    vector[names.index("stage.3.width")] = 2
    assert SPACE.key(tuple(vector)) == SPACE.key(SPACE.starts[0])
    vector[names.index("stages")] = 1
    assert SPACE.key(tuple(vector)) != SPACE.key(SPACE.starts[0])


def test_what_makes_another_network_makes_another_key() -> None:
    base = (Stage(1, 16, "conv", False), Stage(1, 32, "conv", False))
    first = [dataclasses.replace(base[0], **change) for change in ({"depth": 2}, {"squeeze": True})]
    kinds = [dataclasses.replace(base[0], block=block) for block in BLOCKS]
    genomes = [with_stages(stage, base[1]) for stage in (*first, *kinds)]
    genomes += [with_stages(*base, stem="patch_4x4"), with_stages(*base, resolution=48)]
    assert len({key_of(genome) for genome in genomes}) == len(genomes)


def test_its_drawing_names_stages_and_blocks() -> None:
    svg = draw(
        with_stages(
            Stage(1, 24, "conv", False),
            Stage(2, 32, "fused_mbconv", False),
            Stage(2, 64, "mbconv_e3k3", True),
        ),
        CLASSES,
    )
    root = ElementTree.fromstring(svg)  # noqa: S314
    shown = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Stage 1", "Stage 3", "conv", "fused MB", "MBConv", "+ SE", "64 ch, 4 × 4"} <= shown
    assert "A network from scratch: 5 blocks in 3 stages" in svg
    assert "Stage 3: 2 × MBConv e3, 3×3 of 64 channels, with squeeze and excitation." in svg


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (Stage(1, 16, "warp", False), "unknown block 'warp'"),
        (Stage(0, 16, "conv", False), "needs a block"),
        (Stage(1, 1, "conv", False), "a width of 2 or more"),
    ],
)
def test_an_impossible_stage_is_refused_with_the_reason(stage: Stage, reason: str) -> None:
    with pytest.raises(SpaceError, match=reason):
        scratch_layout(with_stages(stage))


def test_spaces_are_known_by_name() -> None:
    for name in SPACES:
        space = make_space(name, Trunk("efficientnet_lite0", 64))
        assert space.decode(space.sample(random.Random(0))).resolution == 64
    with pytest.raises(SpaceError, match="unknown space 'outer'; known: hybrid, cells, macro, any"):
        make_space("outer", Trunk("efficientnet_lite0", 64))


def test_a_blocks_inside_is_expanded() -> None:
    block = PlacedBlock("mbconv_e6k5", False, 0, 16, 24, 1, 8, 8)
    assert (block.inner, block.same_shape) == (96, False)
