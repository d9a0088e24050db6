"""What is measured on a picture."""

from __future__ import annotations

import pytest
from PIL import Image, ImageFilter

from search_engine.data.quality import measure
from tests.engine.data.scenes import saved, scene


def test_brightness_and_contrast_are_shares_of_white() -> None:
    facts = measure(Image.new("RGB", (20, 20), (51, 51, 51)))
    assert facts.brightness == pytest.approx(0.2)
    assert facts.contrast == 0
    halves = Image.new("RGB", (20, 20))
    halves.paste("white", (0, 0, 10, 20))
    assert measure(halves).contrast == pytest.approx(0.5)


def test_blur_takes_sharpness_and_darkness_does_not() -> None:
    sharp = measure(scene(1)).sharpness
    assert sharp > 0.5
    assert measure(scene(1).filter(ImageFilter.GaussianBlur(2))).sharpness < 0.27
    assert measure(scene(1).point(lambda value: value // 3)).sharpness > 0.5


def test_a_large_picture_is_measured_as_networks_see_it() -> None:
    small, large = measure(scene(2, (240, 180))), measure(scene(2, (240, 180)).resize((960, 720)))
    assert large.brightness == pytest.approx(small.brightness, abs=0.01)
    assert (small.phash ^ large.phash).bit_count() <= 4


def test_grey_is_grey_even_as_a_colour_jpeg() -> None:
    assert measure(saved(scene(3).convert("L"), quality=70)).is_gray
    assert not measure(scene(3)).is_gray


def test_a_picture_of_one_pixel_can_be_measured() -> None:
    assert measure(Image.new("RGB", (1, 1), "white")).sharpness == 0


def test_the_hash_fits_a_signed_number_of_64_bits() -> None:
    assert all(-(2**63) <= measure(scene(seed)).phash < 2**63 for seed in range(8))
