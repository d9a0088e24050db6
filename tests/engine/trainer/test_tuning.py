"""Networks that train a part of their trunk begin as the head that was fitted on the frozen one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from search_engine.errors import SpaceError
from search_engine.space.architecture import LBFGS, Genome, Trunk
from search_engine.space.build import Candidate
from search_engine.space.hybrid import HybridSpace
from search_engine.trainer.loop import parameter_groups
from search_engine.trainer.tuning import head_epochs, take_over, with_frozen_trunk
from search_engine.trunk.weights import load_trunk

SPACE = HybridSpace(Trunk("efficientnet_lite0", 96), pooled=True, unfreeze=2)


def tuned(hidden: int) -> Genome:
    [genome] = [g for g in map(SPACE.decode, SPACE.starts) if g.unfrozen]
    return replace(genome, head=replace(genome.head, hidden=hidden))


@pytest.mark.parametrize("hidden", [0, 32])
def test_before_the_first_step_it_answers_as_on_the_frozen_trunk(hidden: int) -> None:
    torch.manual_seed(0)
    genome = tuned(hidden)
    begun = with_frozen_trunk(genome)
    assert (begun.recipe.solver == LBFGS) == (hidden == 0)
    head, model = Candidate(begun, 3), Candidate(genome, 3)
    with torch.no_grad():
        features = load_trunk("efficientnet_lite0")(255 * torch.rand(4, 3, 96, 96))
    head.train()(features)  # so that what is standardised by is not the initial
    take_over(model, head)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(features), head.eval()(features), atol=1e-3, rtol=1e-3)


def test_the_trunk_learns_at_its_own_rate() -> None:
    groups = parameter_groups(Candidate(tuned(32), 3), weight_decay=0.01, trunk_rate=0.3)
    assert {(group["rate"], group["weight_decay"]) for group in groups} == {
        (rate, decay) for rate in (0.3, 1.0) for decay in (0.0, 0.01)
    }


def test_a_head_on_few_pictures_is_trained_for_more_epochs() -> None:
    assert head_epochs(50) == 60
    assert head_epochs(10_000) == 15
    assert head_epochs(500) * 500 == pytest.approx(20_000)


def test_a_network_without_a_tail_takes_nothing_over() -> None:
    frozen = Candidate(with_frozen_trunk(tuned(32)), 3)
    with pytest.raises(SpaceError, match="no tail"):
        take_over(frozen, frozen)
