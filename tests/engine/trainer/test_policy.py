"""Policies of augmentation: which pictures are changed, and that the same seed changes the same."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from search_engine.space.policies import TRIVIAL, Use, read_policy, write_policy
from search_engine.trainer.augment import augment
from search_engine.trainer.policy import follow, trivial
from tests.engine.trainer.test_augment import RECIPE, seeded
from tests.engine.trainer.test_operations import SIDE, drawn

INVERT, NOTHING = Use("invert", 1.0, 0.0), Use("identity", 0.0, 0.0)


def noise(count: int = 400) -> Tensor:
    return 255.0 * torch.rand(count, SIDE, SIDE, 3, generator=seeded(9))


def test_trivial_changes_most_pictures_each_in_its_own_way() -> None:
    pixels = drawn(1).expand(400, SIDE, SIDE, 3)
    change = (trivial(pixels, seeded()) - pixels).abs().amax(dim=(1, 2, 3))
    assert 1.0 - 4.0 / len(TRIVIAL) < float((change > 0.5).float().mean()) < 1.0
    assert len({round(float(each), 2) for each in change}) > 100


def test_a_sub_policy_is_followed_as_often_as_it_says() -> None:
    pixels = noise()
    policy = ((Use("invert", 0.25, 0.0), NOTHING),)
    inverted = (follow(pixels, policy, seeded()) - (255.0 - pixels)).abs().amax(dim=(1, 2, 3)) < 0.1
    assert 60 < int(inverted.sum()) < 140


def test_both_operations_of_a_sub_policy_are_done() -> None:
    pixels = noise(8)
    twice = follow(pixels, ((INVERT, INVERT),), seeded())
    torch.testing.assert_close(twice, pixels, atol=1e-2, rtol=0)


def test_each_picture_follows_one_of_the_sub_policies() -> None:
    pixels = noise()
    out = follow(pixels, ((INVERT, NOTHING), (NOTHING, NOTHING)), seeded())
    inverted = (out - (255.0 - pixels)).abs().amax(dim=(1, 2, 3)) < 0.1
    alike = (out - pixels).abs().amax(dim=(1, 2, 3)) < 0.1
    assert bool((inverted ^ alike).all())
    assert 150 < int(inverted.sum()) < 250


def test_the_same_seed_changes_the_same_and_a_recipe_says_how() -> None:
    policy = write_policy(((Use("rotate", 0.8, 0.5), Use("contrast", 0.4, 0.7)), (INVERT, NOTHING)))
    for recipe in (
        replace(RECIPE, augment="trivial"),
        replace(RECIPE, augment="learned", policy=policy),
    ):
        assert torch.equal(augment(drawn(), recipe, seeded(4)), augment(drawn(), recipe, seeded(4)))
        assert not torch.equal(augment(drawn(), recipe, seeded(4)), augment(drawn(), recipe, seeded(5)))
    assert torch.equal(
        augment(drawn(), replace(RECIPE, augment="learned", policy=policy), seeded(4)),
        follow(drawn(), read_policy(policy), seeded(4)),
    )
