"""Shared weights: a path computes what its network computes alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from search_engine.errors import SpaceError
from search_engine.space.architecture import Cell, Genome, Node
from search_engine.supernet.network import Supernet
from search_engine.supernet.paths import PathSpace
from tests.engine.space.genomes import features
from tests.engine.space.scratches import pixels
from tests.engine.supernet.drawn import cells_base, cells_paths, hybrid_base, hybrid_paths

SEEDS = st.integers(0, 2**32)
CLASSES = 3


def inputs(base: Genome, count: int) -> dict[str, Tensor]:
    return pixels(count, base.resolution) if base.trunk is None else features(count, base.resolution)


@pytest.fixture(scope="module", params=["cells", "hybrid"])
def made(request: pytest.FixtureRequest) -> tuple[PathSpace, Supernet]:
    """A supernet whose batch-norm statistics are not the initial ones."""
    paths = cells_paths() if request.param == "cells" else hybrid_paths()
    torch.manual_seed(0)
    supernet = Supernet(paths.base, CLASSES)
    for parameter in supernet.parameters():
        torch.nn.init.normal_(parameter, std=0.3) if parameter.ndim == 1 else None
    return paths, supernet


@given(seed=SEEDS)
@settings(deadline=None, max_examples=30)
def test_a_path_gives_what_its_network_gives_alone(made: tuple[PathSpace, Supernet], seed: int) -> None:
    paths, supernet = made
    genome = paths.genome(paths.uniform(random.Random(seed)))
    supernet.recalibrate(genome, [inputs(paths.base, 6)])
    alone = supernet.inherit(genome).eval()
    some = inputs(paths.base, 3)
    with torch.no_grad():
        torch.testing.assert_close(supernet(some, genome), alone(some), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("base", [cells_base(), hybrid_base()])
def test_dead_cells_and_chains_of_shortcuts_are_paths_too(base: Genome) -> None:
    """Of cells that read the older source alone every other one is left out of the network."""
    skip = Node(0, "identity", 0, "identity")
    far = Cell((skip, skip, skip, Node(2, "sep_conv_3x3", 3, "conv_1x1")))
    genome = replace(base, normal=far, reduction=far)
    torch.manual_seed(0)
    supernet = Supernet(base, CLASSES)
    supernet.recalibrate(genome, [inputs(base, 6)])
    alone = supernet.inherit(genome).eval()
    assert len(alone.cells) < (5 if base.trunk is None else 3)
    some = inputs(base, 3)
    with torch.no_grad():
        torch.testing.assert_close(supernet(some, genome), alone(some), rtol=1e-4, atol=1e-4)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=20)
def test_a_gradient_reaches_the_path_and_nothing_else(made: tuple[PathSpace, Supernet], seed: int) -> None:
    paths, supernet = made
    genome = paths.genome(paths.uniform(random.Random(seed)))
    supernet.zero_grad(set_to_none=True)
    supernet.train()
    supernet(inputs(paths.base, 4), genome).square().sum().backward()
    alone = supernet.inherit(genome)
    reached = sum(p.numel() for p in supernet.parameters() if p.grad is not None)
    assert reached == sum(p.numel() for p in alone.parameters())
    assert reached < sum(p.numel() for p in supernet.parameters())


def test_paths_that_mean_the_same_network_share_all_weights() -> None:
    base = cells_base()
    assert base.normal is not None
    swapped = Cell(tuple(Node(n.input_b, n.op_b, n.input_a, n.op_a) for n in base.normal.nodes))
    supernet = Supernet(base, CLASSES).eval()
    some = pixels(2, base.resolution)
    with torch.no_grad():
        assert torch.equal(supernet(some, base), supernet(some, replace(base, normal=swapped)))


def test_a_genome_of_another_macro_structure_is_no_path() -> None:
    base = cells_base()
    supernet = Supernet(base, CLASSES)
    for other in (replace(base, width=32), replace(base, reduction=None), hybrid_base()):
        with pytest.raises(SpaceError, match="cells only"):
            supernet(pixels(2, base.resolution), other)
    with pytest.raises(SpaceError, match="needs a base with cells"):
        Supernet(replace(base, normal=None), CLASSES)


def test_statistics_are_of_one_path_and_not_of_those_before() -> None:
    paths = cells_paths()
    torch.manual_seed(0)
    supernet = Supernet(paths.base, CLASSES)
    calibration, some = pixels(16, paths.base.resolution, seed=1), pixels(4, paths.base.resolution, seed=2)
    supernet.recalibrate(paths.base, [calibration])
    with torch.no_grad():
        before = supernet(some, paths.base)
        supernet.recalibrate(paths.genome(paths.uniform(random.Random(1))), [calibration])
        assert not torch.allclose(supernet(some, paths.base), before)
        supernet.recalibrate(paths.base, [calibration])
        assert torch.equal(supernet(some, paths.base), before)
