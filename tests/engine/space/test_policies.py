"""Policies as text, and sub-policies as vectors."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.canonical import key_of
from search_engine.space.macro import MacroSpace
from search_engine.space.offer import Offer
from search_engine.space.policies import PolicySpace, Use, read_policy, write_policy
from search_engine.space.registry import make_space
from search_engine.strategies import STRATEGIES

SPACE = PolicySpace()


def test_a_policy_is_read_back_from_its_text() -> None:
    rng = random.Random(0)
    policy = tuple(SPACE.pair(SPACE.sample(rng)) for _ in range(20))
    assert read_policy(write_policy(policy)) == policy


@pytest.mark.parametrize(
    "text",
    ["", "rotate 0.5 0.5", "twist 0.5 0.5 + invert 1 0", "rotate 2 0.5 + invert 1 0", "rotate + invert"],
)
def test_a_text_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(SpaceError, match="not a policy"):
        read_policy(text)


def test_what_cannot_matter_does_not_make_another_sub_policy() -> None:
    by_name = {d.name: d.choices for d in SPACE.decisions}
    invert = by_name["first.operation"].index("invert")
    assert SPACE.key((invert, 1, 0, 2, 2, 2)) == SPACE.key((invert, 1, 4, 2, 2, 2))
    assert SPACE.key((0, 1, 0, 2, 2, 2)) == SPACE.key((0, 3, 4, 2, 2, 2))
    assert SPACE.pair((invert, 1, 4, 0, 2, 2)) == (Use("invert", 0.4, 0.0), Use("identity", 0.0, 0.0))


@pytest.mark.parametrize("name", ["evolution", "reinforce", "random"])
def test_strategies_of_networks_propose_sub_policies(name: str) -> None:
    proposals = STRATEGIES[name](SPACE, 0, 50).suggest(10)
    assert len({SPACE.key(proposal.vector) for proposal in proposals}) == 10


def test_a_genome_keeps_its_policy_and_is_another_network_to_train_with_another() -> None:
    space = MacroSpace(32, augmented=True)
    genome = space.decode(space.starts[0])
    texts = ("rotate 0.6 0.3 + invert 0.2 0", "rotate 0.6 0.5 + invert 0.2 0")
    with_policy = [
        replace(genome, recipe=replace(genome.recipe, augment="learned", policy=text)) for text in texts
    ]
    assert Genome.from_dict(with_policy[0].to_dict()) == with_policy[0]
    assert len({key_of(genome), *map(key_of, with_policy)}) == 3


@pytest.mark.parametrize("name", ["cells", "macro", "any"])
def test_networks_are_not_mirrored_where_labels_do_not_survive_it(name: str) -> None:
    trunk = Trunk("efficientnet_lite0", 96)
    spaces = [
        make_space(name, trunk, 32, Offer(augmented=True, mirrored=mirrored)) for mirrored in (True, False)
    ]
    flips = [
        {space.decode(space.sample(random.Random(seed))).recipe.flip for seed in range(40)}
        for space in spaces
    ]
    assert flips == [{False, True}, {False}]
    assert [len(start) for start in spaces[0].starts] == [len(start) for start in spaces[1].starts]


@pytest.mark.parametrize("name", ["cells", "macro"])
def test_a_learned_policy_is_a_choice_and_where_the_search_begins(name: str) -> None:
    policy = "rotate 0.6 0.3 + invert 0.2 0"
    trunk = Trunk("efficientnet_lite0", 96)
    without = make_space(name, trunk, 32, Offer(augmented=True))
    space = make_space(name, trunk, 32, Offer(augmented=True, policy=policy))
    for vector in space.starts:
        genome = space.decode(vector)
        assert (genome.recipe.augment, genome.recipe.policy) == ("learned", policy)
        assert space.encode(genome) == vector
    older = without.sample(random.Random(0))
    assert space.decode(older) == without.decode(older)
