"""The operations of AutoAugment on batches: what each does, and that each picture gets its own strength."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as kernels

from search_engine.space.policies import CHANGES, STRENGTHLESS
from search_engine.trainer.operations import BLEND, ROTATE, SIGNED, TRANSLATE, change

SIDE = 16


def drawn(count: int = 4) -> Tensor:
    """Smooth pictures in colour with a mark near a corner, each a little brighter than the one before."""
    ramp = torch.arange(SIDE, dtype=torch.float32)
    grey = 6.0 * ramp[:, None] + 8.0 * ramp[None, :]
    picture = torch.stack([grey, 0.5 * grey, 120.0 - 0.5 * grey], dim=2)
    picture[1:4, 12:15] += 20.0
    return torch.stack([picture + 4.0 * i for i in range(count)])


def changed(name: str, *strengths: float) -> Tensor:
    which = torch.full((len(strengths),), CHANGES.index(name))
    return change(drawn(len(strengths)), which, torch.tensor(strengths))


@pytest.mark.parametrize("name", sorted(set(CHANGES) - STRENGTHLESS))
def test_no_strength_changes_nothing_and_more_changes_more(name: str) -> None:
    pixels = drawn(3)
    none, some, much = (changed(name, 0.0, 0.5, 1.0) - pixels).abs().mean(dim=(1, 2, 3))
    assert float(none) < 1e-3
    assert 0.1 < float(some) < float(much)


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_an_operation_with_two_sides_goes_to_either(name: str) -> None:
    one, other = changed(name, -0.8, 0.8) - drawn(2)
    assert float((one * other).mean()) < 0.0


@pytest.mark.parametrize("name", CHANGES)
def test_pictures_stay_within_the_range(name: str) -> None:
    out = changed(name, 1.0, 0.3)
    assert out.shape == drawn(2).shape
    assert float(out.min()) >= -1e-3
    assert float(out.max()) <= 255.0 + 1e-3


def test_a_picture_is_changed_as_it_would_be_alone() -> None:
    pixels, which = drawn(len(CHANGES)), torch.arange(len(CHANGES))
    strengths = torch.linspace(0.1, 0.9, len(CHANGES))
    together = change(pixels, which, strengths)
    for i in range(len(CHANGES)):
        alone = change(pixels[i : i + 1], which[i : i + 1], strengths[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-3, rtol=0)


def test_pictures_that_come_in_are_left_alone() -> None:
    pixels = drawn()
    change(pixels, torch.full((4,), CHANGES.index("rotate")), torch.ones(4))
    torch.testing.assert_close(pixels, drawn())


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("brightness", kernels.adjust_brightness),
        ("colour", kernels.adjust_saturation),
        ("contrast", kernels.adjust_contrast),
        ("sharpness", kernels.adjust_sharpness),
    ],
)
def test_blends_agree_with_torchvision(name: str, kernel: object) -> None:
    planes = drawn(2).permute(0, 3, 1, 2) / 255.0
    expected = 255.0 * kernel(planes, 1.0 + BLEND * 0.6).permute(0, 2, 3, 1)  # type: ignore[operator]
    torch.testing.assert_close(changed(name, 0.6, 0.6), expected, atol=1e-2, rtol=0)


def test_a_turn_and_a_move_agree_with_torchvision_away_from_the_edges() -> None:
    middle = slice(5, 11)
    planes = drawn(1).permute(0, 3, 1, 2)
    turned = kernels.rotate(planes, ROTATE, interpolation=kernels.InterpolationMode.BILINEAR)
    out = changed("rotate", 1.0).permute(0, 3, 1, 2)
    torch.testing.assert_close(out[..., middle, middle], turned[..., middle, middle], atol=0.5, rtol=0)
    moved = changed("translate_x", 1.0)[0, 8:, 2:8] - drawn(1)[0, 8:, 2:8]
    assert float(moved[..., 0].mean()) == pytest.approx(8.0 * TRANSLATE * SIDE, abs=0.1)
