"""Near-duplicates: what is the same picture is found, what only resembles it is not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from search_engine.data.duplicates import Hashed, join, named_split, near_pairs
from search_engine.data.likeness import descriptor
from search_engine.data.phash import close_pairs
from search_engine.data.quality import measure
from tests.engine.data.scenes import CHANGES, scene


def pairs_of(pictures: Mapping[str, Image.Image], *, first_new: int = 0) -> set[tuple[str, str]]:
    items = [Hashed(key, measure(each).phash, measure(each).contrast) for key, each in pictures.items()]
    found = near_pairs(items, lambda key: descriptor(pictures[key]), first_new=first_new)
    return {(min(one, other), max(one, other)) for one, other, _ in found}


def test_close_pairs_are_those_that_counting_bits_gives() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(-(2**63), 2**63, 700, dtype=np.int64)
    for number in range(13):  # a neighbour at each distance
        flipped = rng.choice(64, number, replace=False).astype(np.uint64)
        mask = (np.uint64(1) << flipped).sum(dtype=np.uint64) if number else np.uint64(0)
        hashes[600 + number] = (hashes[number].view(np.uint64) ^ mask).view(np.int64)
    bits = np.bitwise_count(hashes.view(np.uint64)[:, None] ^ hashes.view(np.uint64)[None])
    expected = np.argwhere(np.triu(bits <= 12, k=1))
    assert len(expected) >= 13
    assert close_pairs(hashes).tolist() == expected.tolist()


def test_only_pairs_with_a_new_one_are_looked_at() -> None:
    hashes = np.array([5, 5, 9000, 5], np.int64)
    assert close_pairs(hashes, first_new=3).tolist() == [[0, 3], [1, 3], [2, 3]]
    assert close_pairs(hashes, first_new=3, radius=2).tolist() == [[0, 3], [1, 3]]


def test_the_radius_shrinks_where_everything_is_close() -> None:
    hashes = np.arange(256, dtype=np.int64)  # all within eight bits of each other
    assert len(close_pairs(hashes)) == 256 * 255 // 2
    few = close_pairs(hashes, max_pairs=1500)
    bits = np.bitwise_count(hashes[few[:, 0]] ^ hashes[few[:, 1]])
    assert len(few) == 1024
    assert set(bits) == {1}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(change: str) -> None:
    pictures = {f"{seed}": scene(seed) for seed in range(6)}
    pictures |= {f"{seed} {change}": CHANGES[change](scene(seed)) for seed in range(6)}
    assert pairs_of(pictures) == {(f"{seed}", f"{seed} {change}") for seed in range(6)}


def test_pictures_that_resemble_each_other_are_not_the_same() -> None:
    def disc(x: int, y: int, radius: int, fill: str, ground: str = "white") -> Image.Image:
        image = Image.new("RGB", (100, 100), ground)
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
        return image

    pictures = {
        "here": disc(50, 50, 20, "black"),
        "there": disc(60, 44, 20, "black"),
        "larger": disc(50, 50, 27, "black"),
        "red": disc(30, 60, 22, "#c02020"),
        "green": disc(30, 60, 22, "#127d12"),
        "inverse": disc(50, 50, 20, "white", "black"),
    }
    assert pairs_of(pictures) == set()


def test_plain_pictures_are_not_near_duplicates() -> None:
    noise = np.random.default_rng(1).integers(126, 129, (2, 40, 40, 3), np.uint8)
    plain = {"white": Image.new("RGB", (40, 40), "white"), "grey": Image.new("RGB", (40, 40), "grey")}
    assert (
        pairs_of({**plain, **{f"noise {n}": Image.fromarray(each) for n, each in enumerate(noise)}}) == set()
    )


def test_a_picture_that_cannot_be_read_any_more_is_like_nothing() -> None:
    facts = measure(scene(1))
    items = [Hashed("a", facts.phash, facts.contrast), Hashed("b", facts.phash, facts.contrast)]
    assert near_pairs(items, lambda key: None) == []


def test_groups_grow_keep_their_names_and_stop_in_time() -> None:
    pairs = [("a", "b", 0.99), ("b", "c", 0.98), ("x", "y", 0.99)]
    groups = join(pairs, {}, max_size=3)
    assert groups == {"a": "na", "b": "na", "c": "na", "x": "nx", "y": "nx"}
    assert join([("c", "x", 0.99)], groups, max_size=4) == groups
    assert set(join([("c", "x", 0.99)], groups, max_size=5).values()) == {"na"}
    assert join([("d", "x", 0.99)], groups, max_size=5)["d"] == "nd"


def test_folders_say_splits() -> None:
    assert named_split("set/Train/red/1.png") == "train"
    assert named_split("set/valid/red/1.png") == "validation"
    assert named_split("set/red/test.png") is None


def test_enlarged_digits_of_different_hands_are_no_copies() -> None:
    """They have hardly any detail to be told apart by, so all but copies would pass for one another."""
    digits = load_digits().images[:600]
    pictures = {
        f"{number:04d}": Image.fromarray((digit * 15).astype(np.uint8))
        .resize((32, 32), Image.Resampling.LANCZOS)
        .convert("RGB")
        for number, digit in enumerate(digits)
    }
    copy = pictures["0007"].point(lambda value: value * 0.9)
    found = pairs_of({**pictures, "copy": copy})
    assert ("0007", "copy") in found
    assert len(found) <= 2
