"""Regularized evolution: it learns, it ages, and it starts from what people know."""

from __future__ import annotations

from search_engine.space.architecture import Trunk
from search_engine.space.hybrid import HybridSpace
from search_engine.strategies.evolution import RegularizedEvolution
from search_engine.strategies.random import RandomSearch
from tests.engine.strategies.toys import ToySpace, mean_best, play


def test_it_beats_random_search() -> None:
    space = ToySpace()
    evolved = mean_best(lambda seed: RegularizedEvolution(space, seed), space, 100, seeds=20)
    drawn = mean_best(lambda seed: RandomSearch(space, seed), space, 100, seeds=20)
    assert evolved > drawn + 0.05


def test_a_child_differs_from_its_parent_in_one_decision() -> None:
    space = ToySpace()
    history = play(RegularizedEvolution(space, 0), space, 40)
    children = [t for t in history if t.parent is not None]
    assert len(children) >= 30
    for child in children:
        assert child.parent is not None
        parent = history[child.parent]
        assert sum(a != b for a, b in zip(child.vector, parent.vector, strict=True)) == 1


def test_the_old_die_however_good_they_were() -> None:
    space = ToySpace()
    history = play(RegularizedEvolution(space, 0, population=5, litter=1), space, 80)
    for child in history:
        if child.parent is not None:
            between = [t for t in history[child.parent : child.number] if t.reward is not None]
            assert len(between) <= 5


def test_the_first_proposals_are_the_starting_points_of_the_space() -> None:
    space = HybridSpace(Trunk("efficientnet_lite0", 128))
    proposals = RegularizedEvolution(space, 0).suggest(3)
    assert tuple(p.vector for p in proposals[:2]) == space.starts
    assert proposals[2].vector not in space.starts
