"""Random changes of pictures: what moves, what stays, and that every device draws the same."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from search_engine.space.architecture import AUGMENTATIONS, Recipe
from search_engine.trainer.augment import BENDS, Bend, affine_maps, augment, bend, erase, move

SIDE = 16
STILL = Bend(turn=0.0, zoom=1.0, shear=0.0)
RECIPE = Recipe(learning_rate=0.01, weight_decay=0.01, batch_size=8, label_smoothing=0.0, mixup=0.0)


def drawn(count: int = 64) -> Tensor:
    """Smooth pictures, bright in the upper right corner."""
    ramp = torch.arange(SIDE, dtype=torch.float32)
    picture = 8.0 * (SIDE - 1 - ramp[:, None]) + 4.0 * ramp[None, :]
    return picture[None, :, :, None].expand(count, SIDE, SIDE, 3).contiguous()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_recipe_without_changes_leaves_the_pictures_alone() -> None:
    pixels = drawn()
    assert augment(pixels, RECIPE, seeded()) is pixels


def test_bending_by_nothing_changes_nothing() -> None:
    pixels = drawn()
    torch.testing.assert_close(
        bend(pixels, STILL, shift=0, flip=False, generator=seeded()), pixels, atol=1e-3, rtol=0
    )


def test_bending_mirrors_half_of_the_pictures() -> None:
    pixels = drawn(400)
    bent = bend(pixels, STILL, shift=0, flip=True, generator=seeded())
    same = (bent - pixels).abs().amax(dim=(1, 2, 3)) < 0.1
    turned = (bent - pixels.flip(2)).abs().amax(dim=(1, 2, 3)) < 0.1
    assert bool((same ^ turned).all())
    assert 150 < int(turned.sum()) < 250


def test_a_map_turns_a_quarter_and_zooms_to_twice_the_size() -> None:
    """The picture's right edge is read from below its middle; twice as large means half as far out."""
    one = torch.ones(1)
    maps = affine_maps(math.pi / 2 * one, 2.0 * one, 0.0 * one, torch.zeros(1, 2))
    place = maps[0] @ torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(place, torch.tensor([0.0, 0.5]), atol=1e-6, rtol=0)


def test_bending_moves_no_further_than_told() -> None:
    """On a ramp of 8 a row and 4 a column, a move by a pixel changes the middle by 12 at most."""
    bent = bend(drawn(400), STILL, shift=2, flip=False, generator=seeded())
    middle = slice(SIDE // 2 - 2, SIDE // 2 + 2)
    change = (bent - drawn(400))[:, middle, middle].abs()
    assert 18.0 < float(change.max()) <= 24.01


@pytest.mark.parametrize("name", sorted(BENDS))
def test_bent_pictures_differ_from_each_other_and_keep_to_the_range(name: str) -> None:
    bent = augment(drawn(), replace(RECIPE, augment=name, shift=2), seeded())
    assert bent.shape == drawn().shape
    assert bent.min() >= drawn().min() - 1e-3
    assert bent.max() <= drawn().max() + 1e-3
    assert not torch.allclose(bent[0], bent[1], atol=1.0)


def test_every_augmentation_of_the_space_has_its_limits() -> None:
    assert set(AUGMENTATIONS) == {"none", "trivial", *BENDS}


def test_strong_bends_further_than_mild() -> None:
    changes = [
        float((augment(drawn(), replace(RECIPE, augment=name), seeded()) - drawn()).abs().mean())
        for name in ("none", "affine", "affine_strong")
    ]
    assert changes[0] == 0.0
    assert changes[2] > 1.5 * changes[1]


def test_erasing_hides_one_rectangle_in_some_of_the_pictures() -> None:
    pixels = drawn(400)
    erased = erase(pixels, 0.5, seeded())
    mean = pixels.mean(dim=(0, 1, 2))
    hidden = (erased != pixels).any(dim=3)
    torch.testing.assert_close(erased[hidden], mean.expand(int(hidden.sum()), 3))
    touched = hidden.flatten(1).any(dim=1)
    assert 150 < int(touched.sum()) < 250
    share = hidden[touched].float().mean(dim=(1, 2))
    assert float(share.min()) > 0.02
    assert float(share.max()) <= 0.25 + 2 / SIDE


def test_pictures_are_shifted_and_mirrored_each_in_its_own_way() -> None:
    moved = move(drawn(), shift=2, flip=True, generator=seeded())
    assert len({tuple(picture.flatten().tolist()) for picture in moved}) > 20


def test_the_same_seed_draws_the_same_changes() -> None:
    recipe = replace(RECIPE, augment="affine", shift=1, flip=True, erase=0.5)
    assert torch.equal(augment(drawn(), recipe, seeded(4)), augment(drawn(), recipe, seeded(4)))
    assert not torch.equal(augment(drawn(), recipe, seeded(4)), augment(drawn(), recipe, seeded(5)))
