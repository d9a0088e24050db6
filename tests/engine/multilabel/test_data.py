"""Several labels a picture: the manifest, the split and the folds."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_engine.data.gather import Gathered, make_manifest
from search_engine.data.manifest import MULTI, SINGLE, Manifest, Picture, read_manifest, write_manifest
from search_engine.data.split import assign_folds, assign_splits, items_of
from search_engine.data.targets import split_items, targets_of
from search_engine.errors import DatasetError

PICTURES = (
    Picture(id=3, path="a.png", label="", split="train", group="g1", labels=("a", "c")),
    Picture(id=5, path="b.png", label="", split="validation", group="g2", labels=()),
)
SEVERAL = Manifest(Path("/pictures"), ("a", "b", "c"), PICTURES, MULTI)


def test_a_manifest_of_several_labels_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    write_manifest(SEVERAL, path)
    found = read_manifest(path)
    assert found == SEVERAL
    assert found.digest == SEVERAL.digest
    assert found.pictures[0].all_labels == ("a", "c")
    np.testing.assert_array_equal(targets_of(found, found.pictures), [[1, 0, 1], [0, 0, 0]])


def test_a_list_from_before_there_were_several_is_read_and_keeps_its_digest(tmp_path: Path) -> None:
    lines = (
        '{"root": "/pictures", "labels": ["a", "b"]}\n'
        '{"id": 1, "path": "x.png", "label": "b", "split": "train", "group": "g"}\n'
    )
    path = tmp_path / "list.jsonl"
    path.write_text(lines)
    found = read_manifest(path)
    assert (found.task, found.digest) == (SINGLE, hashlib.sha256(lines.encode()).hexdigest()[:16])
    np.testing.assert_array_equal(targets_of(found, found.pictures), [1])
    write_manifest(found, path)
    assert path.read_text() == lines


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ({"task": "many"}, {}, "not a task"),
        ({"task": "multi"}, {"labels": ["z"]}, "not among the labels"),
        ({"task": "multi"}, {"label": "a"}, "damaged"),
        ({}, {"labels": ["a"]}, "damaged"),
    ],
)
def test_a_damaged_list_of_several_labels_is_refused(
    tmp_path: Path, head: dict[str, object], line: dict[str, object], said: str
) -> None:
    path = tmp_path / "list.jsonl"
    whole = {"id": 1, "path": "x", "split": "train", "group": "g"} | line
    path.write_text(json.dumps({"root": ".", "labels": ["a"]} | head) + "\n" + json.dumps(whole))
    with pytest.raises(DatasetError, match=said):
        read_manifest(path)


def many(n: int = 400) -> list[tuple[int, tuple[str, ...], str]]:
    """A label on most pictures, one on half, one on few and one on three; groups of one or two pictures."""
    rng = random.Random(0)
    chances = {"most": 0.97, "half": 0.5, "few": 0.05}
    pictures = [
        (
            i,
            tuple(name for name, chance in chances.items() if rng.random() < chance),
            f"g{i // 2 if i < 60 else i}",
        )
        for i in range(n)
    ]
    return [(i, (*labels, "three") if i in (100, 200, 300) else labels, g) for i, labels, g in pictures]


def test_every_split_has_pictures_with_and_without_each_label() -> None:
    pictures = many()
    split_of = assign_splits(items_of(pictures), seed=1)
    assert set(split_of) == {i for i, _, _ in pictures}
    sizes = Counter(split_of.values())
    assert sizes["test"] == pytest.approx(60, abs=4)
    assert sizes["validation"] == pytest.approx(60, abs=4)
    for label in ("most", "half", "few", "three"):
        having = Counter(split_of[i] for i, labels, _ in pictures if label in labels)
        lacking = Counter(split_of[i] for i, labels, _ in pictures if label not in labels)
        assert min(len(having), len(lacking)) == 3, label
        share = sum(having.values()) / len(pictures)
        assert having["test"] / sizes["test"] == pytest.approx(share, abs=0.04), label
    groups = {g: {split_of[i] for i, _, group in pictures if group == g} for _, _, g in pictures}
    assert all(len(splits) == 1 for splits in groups.values())


def test_folds_are_balanced_by_every_label() -> None:
    pictures = many()
    fold_of = assign_folds(items_of(pictures), {i for i, _, _ in pictures if i % 5 == 4}, 5)
    sizes = Counter(fold for fold in fold_of.values() if fold)  # the first is what judges already
    assert max(sizes.values()) - min(sizes.values()) <= 3
    for label, spread in (("few", 2), ("half", 6)):
        counts = Counter(fold_of[i] for i, labels, _ in pictures if label in labels and fold_of[i])
        assert max(counts.values()) - min(counts.values()) <= spread, label


def gathered(*labels: tuple[str, ...], prefix: str = "") -> Gathered:
    return Gathered(tuple((f"{prefix}{i}.png", each, f"{prefix}{i}") for i, each in enumerate(labels)), ())


def test_one_picture_of_two_labels_makes_all_pictures_such_as_may_have_several(tmp_path: Path) -> None:
    plain = [("a",), ("b",)] * 10
    assert make_manifest(gathered(*plain), None, tmp_path, seed=0).task == SINGLE
    several = make_manifest(gathered(*plain, ("a", "b")), None, tmp_path, seed=0)
    assert several.task == MULTI
    assert {picture.labels for picture in several.pictures} == {("a",), ("b",), ("a", "b")}
    assert {picture.split for picture in several.pictures} == {"train", "validation", "test"}
    tested = make_manifest(gathered(*plain), gathered(("a", "b"), prefix="t"), tmp_path, seed=0)
    assert tested.task == MULTI
    assert [picture.labels for picture in tested.of("test")] == [("a", "b")]
    with pytest.raises(DatasetError, match="'c'"):
        make_manifest(gathered(*plain), gathered(("a", "c"), prefix="t"), tmp_path, seed=0)


def test_what_is_balanced_by_is_the_label_where_there_is_one() -> None:
    one = replace(PICTURES[0], label="a", labels=())
    single = Manifest(Path(), ("a",), (one,))
    assert [item.label for item in split_items(single, [(7, one)])] == ["a"]
    assert [item.label for item in split_items(SEVERAL, list(enumerate(PICTURES)))] == [
        "with a",
        "with c",
        "",
    ]
