"""Whether changes leave labels alone: digits have a left and a right, noise and blobs have none."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from search_engine.space.invariance import Invariance, mirror_holds, sentences
from search_engine.trainer.invariance import FEWEST, MOST, affordable, compare


def plain(pixels: np.ndarray) -> list[np.ndarray]:
    """The pixels themselves, in place of a trunk."""
    return [pixels.astype(np.float32)]


def digits(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    data = load_digits()
    images = np.repeat((15 * data.images[:count]).astype(np.uint8)[..., None], 3, axis=3)
    return images, data.target[:count]


def test_digits_do_not_stay_themselves_when_they_are_mirrored_or_turned() -> None:
    found = compare(*digits(), plain)
    assert not any(each.holds for each in found.values())
    assert found["mirror"].before > 150 > found["mirror"].after
    assert not mirror_holds({name: each.to_dict() for name, each in found.items()})


def test_pictures_whose_labels_are_colours_may_be_changed_at_will() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    pixels = rng.integers(0, 100, (90, 8, 8, 3))
    pixels[np.arange(90), :, :, labels] += 100
    found = compare(pixels.astype(np.uint8), labels, plain)
    assert all(each.holds and each.before == 90 for each in found.values())


def test_where_nothing_can_be_learned_nothing_is_ruled_out() -> None:
    rng = np.random.default_rng(0)
    found = compare(rng.integers(0, 255, (60, 8, 8, 3)).astype(np.uint8), rng.integers(0, 3, 60), plain)
    assert all(each.holds for each in found.values())


def test_the_same_pictures_give_the_same_verdict() -> None:
    assert compare(*digits(60), plain) == compare(*digits(60), plain)


def test_the_probe_takes_what_the_budget_affords() -> None:
    assert affordable(120.0, decode=500.0, extract=400.0) == 149
    assert affordable(3600.0, decode=500.0, extract=400.0) == MOST
    assert affordable(20.0, decode=100.0, extract=50.0) == 0
    assert FEWEST > 0


def test_the_verdict_is_said_in_words() -> None:
    kept = Invariance(pictures=100, before=90, after=90, errors=0.0)
    lost = Invariance(pictures=100, before=90, after=50, errors=6.0)
    mirrored, turned_over = sentences({"mirror": lost.to_dict(), "upside_down": kept.to_dict()})
    assert "are mirrored do not keep their labels here" in mirrored
    assert "right on 90 of 100 pictures as they are and on 50 mirrored" in mirrored
    assert "do not learn from mirrored pictures" in mirrored
    assert "are upside down keep their labels here" in turned_over
    assert sentences({}) == []
    assert mirror_holds({})
