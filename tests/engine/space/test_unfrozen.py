"""Networks that train the last stages of their trunk: in the space, built, counted and drawn."""

from __future__ import annotations

import dataclasses
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.build import Candidate
from search_engine.space.canonical import key_of
from search_engine.space.cost import cost, cost_together
from search_engine.space.draw import draw
from search_engine.space.hybrid import HybridSpace
from search_engine.space.networks import input_shapes
from search_engine.space.offer import Offer
from search_engine.space.union import SCRATCH, TRUNK, UnionSpace, family_of, trains_trunk, with_frozen_trunk
from search_engine.space.words import in_words
from search_engine.trial import Vector
from tests.engine.space.genomes import SPACE as OLDER
from tests.engine.space.genomes import SPEC

SPACE = HybridSpace(OLDER.trunk, pooled=True, unfreeze=3)
DEPTHS = (1, 2, 3)
CLASSES = 5


def drawn(seed: int) -> Vector:
    return SPACE.sample(random.Random(seed))


def tuned(depth: int = 2, side: int = 96) -> Genome:
    """The network that such a search begins with."""
    [genome] = [g for g in map(SPACE.decode, SPACE.starts) if g.unfrozen]
    return dataclasses.replace(genome, unfrozen=depth, trunk=Trunk(SPEC.name, side))


def features(genome: Genome, count: int = 2) -> dict[str, Tensor]:
    return {name: torch.rand(count, *shape) for name, shape in input_shapes(genome).items()}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32).map(drawn))
def test_vector_to_genome_and_back(vector: Vector) -> None:
    genome = SPACE.decode(vector)
    assert Genome.from_dict(genome.to_dict()) == genome
    again = SPACE.encode(genome)
    assert SPACE.decode(again) == genome
    assert SPACE.key(again) == SPACE.key(vector)
    assert SPACE.trains_trunk(vector) == (genome.unfrozen > 0)
    assert (genome.recipe.trunk_rate > 0) == (genome.unfrozen > 0)
    if genome.unfrozen:
        assert genome.repeats == 0
        assert genome.recipe.solver == "adamw"
    else:
        assert OLDER.key(OLDER.encode(genome)) == SPACE.key(vector)


def test_most_random_networks_leave_the_trunk_frozen() -> None:
    depths = [SPACE.decode(drawn(seed)).unfrozen for seed in range(400)]
    assert set(depths) == {0, *DEPTHS}
    assert depths.count(0) > 340


def test_depth_and_the_trunks_rate_matter() -> None:
    slower = dataclasses.replace(tuned().recipe, trunk_rate=0.1)
    each = [tuned(1), tuned(2), dataclasses.replace(tuned(2), recipe=slower)]
    assert len({key_of(genome) for genome in each}) == 3


@pytest.mark.parametrize("space", [SPACE, UnionSpace(SPACE.trunk, 32, offer=Offer(pooled=True, unfreeze=3))])
def test_without_time_for_them_they_are_neither_drawn_nor_reached(space: HybridSpace | UnionSpace) -> None:
    assert any(trains_trunk(space, start) for start in space.starts)
    frozen, rng = with_frozen_trunk(space), random.Random(2)
    vectors = [*frozen.starts, *(frozen.sample(rng) for _ in range(30))]
    vectors += frozen.neighbours(frozen.starts[0], rng)
    assert not any(trains_trunk(space, vector) for vector in vectors)
    assert all(space.key(vector) == frozen.key(vector) for vector in vectors)


def test_networks_from_scratch_train_no_trunk() -> None:
    space, rng = UnionSpace(SPACE.trunk, 32, offer=Offer(pooled=True, unfreeze=3)), random.Random(0)
    vectors = [space.sample(rng) for _ in range(200)]
    assert not any(trains_trunk(space, vector) for vector in vectors if family_of(vector) == SCRATCH)
    assert any(trains_trunk(space, vector) for vector in vectors if family_of(vector) == TRUNK)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("side", [96, 160])
def test_cost_equals_the_built_network(depth: int, side: int) -> None:
    genome = tuned(depth, side)
    model, tail = Candidate(genome, CLASSES).eval(), SPEC.tails[depth - 1]
    macs, alive = 0, 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal macs, alive
        if isinstance(module, nn.Conv2d):
            macs += module.weight[0].numel() * out[0].numel()
            alive = max(alive, inputs[0][0].numel() + out[0].numel())
        elif isinstance(module, nn.Linear):
            macs += module.weight.numel()

    for module in model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        assert model(features(genome, 1)).shape == (1, CLASSES)
    formula = cost(genome, CLASSES)
    parameters = sum(p.numel() for p in model.parameters())
    assert formula.parameters == SPEC.parameters - tail.parameters + parameters
    assert formula.macs == SPEC.macs(side) - tail.macs(side) + macs
    assert formula.memory_bytes == 4 * (formula.parameters + max(alive, model.plan.features))


def test_together_networks_share_only_what_is_frozen_in_both() -> None:
    shallow, deep = tuned(1), tuned(2)
    each = [cost(genome, CLASSES) for genome in (shallow, deep)]
    both = cost_together([shallow, deep], CLASSES)
    assert both.parameters == sum(c.parameters for c in each) - (SPEC.parameters - SPEC.tails[1].parameters)
    assert both.macs == sum(c.macs for c in each) - (SPEC.macs(96) - SPEC.tails[1].macs(96))


def test_every_weight_is_trained_and_statistics_are_kept() -> None:
    model = Candidate(tuned(), CLASSES).train()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model(features(tuned())).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


def test_the_drawing_says_which_stages_are_trained() -> None:
    svg = draw(tuned(2), 4)
    assert "pretrained, last 2 stages trained, every stage pooled" in svg
    assert svg.count("nw-arch-stage-trained") == 2
    assert "last stage trained" in draw(tuned(1), 4)


def test_the_decisions_have_words() -> None:
    words = {d.name: in_words(d) for d in SPACE.decisions[-2:]}
    assert words["unfrozen"].title == "stages of the trunk that are trained"
    assert words["unfrozen"].choices == ("none", "1", "2", "3")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SpaceError, match="the last 3 stages can be trained"):
        HybridSpace(SPACE.trunk, unfreeze=4)
    cells = SPACE.decode(SPACE.starts[-1])
    with pytest.raises(SpaceError, match="cells stand on a frozen trunk"):
        cost(dataclasses.replace(cells, unfrozen=1), CLASSES)
