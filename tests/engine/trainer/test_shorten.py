"""Shorter trainings: the same fewer pictures for all, and smaller pictures that look the same."""

from __future__ import annotations

import torch

from search_engine.space.scratch import PIXELS
from search_engine.trainer.loop import Examples
from search_engine.trainer.shorten import fewer, smaller


def examples() -> Examples:
    """30 pictures of one label, 12 of another and 2 of a third, of which every second row takes part."""
    targets = torch.tensor([0] * 60 + [1] * 24 + [2] * 4)
    pixels = torch.arange(88, dtype=torch.uint8)[:, None, None, None].expand(88, 8, 8, 3).clone()
    return Examples({PIXELS: pixels}, targets, torch.arange(0, 88, 2))


def test_a_share_is_of_each_label_alike_and_the_same_each_time() -> None:
    third = fewer(examples(), 1 / 3)
    assert torch.bincount(third.labels).tolist() == [10, 4, 1]
    assert set(third.rows.tolist()) <= set(examples().rows.tolist())
    assert torch.equal(third.rows, fewer(examples(), 1 / 3).rows)
    assert len(fewer(examples(), 1.0)) == 44


def test_smaller_pictures_are_means_over_areas() -> None:
    one = examples()
    one.features[PIXELS][0, :2, :2] = torch.tensor([0, 10, 20, 30], dtype=torch.uint8).view(2, 2, 1)
    small = smaller(one, 4).features[PIXELS]
    assert small.shape == (88, 4, 4, 3)
    assert small.dtype == torch.uint8
    assert small[0, 0, 0].tolist() == [15, 15, 15]
    assert small[40, 1, 2].tolist() == [40, 40, 40]
    assert smaller(one, 8) is one
