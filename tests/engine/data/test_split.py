from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from search_engine.data.split import SplitItem, assign_folds, assign_splits, hold_out

SETS = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=25), min_size=1, max_size=6)


def build(sizes: list[list[int]]) -> list[SplitItem]:
    """One list a label: the sizes of its groups."""
    items: list[SplitItem] = []
    for label, groups in enumerate(sizes):
        for group, size in enumerate(groups):
            items += [SplitItem(len(items) + i, f"label{label}", f"{label}-{group}") for i in range(size)]
    return items


def count(items: list[SplitItem], splits: dict[int, str]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for item in items:
        counts.setdefault(item.label, Counter())[splits[item.id]] += 1
    return counts


@given(SETS, st.integers(0, 10))
def test_groups_never_straddle_and_every_label_is_everywhere(sizes: list[list[int]], seed: int) -> None:
    items = build(sizes)
    splits = assign_splits(items, seed=seed)
    assert len(splits) == len(items)
    assert len({(item.group, splits[item.id]) for item in items}) == len({item.group for item in items})
    for label, counts in count(items, splits).items():
        groups = len({item.group for item in items if item.label == label})
        expected = {1: {"train"}, 2: {"train", "validation"}}.get(groups, {"train", "validation", "test"})
        assert set(counts) == expected


@given(SETS, st.integers(0, 10))
def test_the_order_of_the_items_does_not_matter(sizes: list[list[int]], seed: int) -> None:
    items = build(sizes)
    shuffled = random.Random(seed).sample(items, len(items))
    assert assign_splits(items, seed=seed) == assign_splits(shuffled, seed=seed)


def test_each_label_is_divided_in_the_same_shares() -> None:
    items = build([[1] * 1000, [1] * 100, [1] * 40])
    counts = count(items, assign_splits(items, seed=3))
    assert counts["label0"] == {"test": 150, "validation": 150, "train": 700}
    assert counts["label1"] == {"test": 15, "validation": 15, "train": 70}
    assert counts["label2"] == {"test": 6, "validation": 6, "train": 28}


def test_another_seed_gives_another_split() -> None:
    items = build([[1] * 100])
    assert assign_splits(items, seed=1) == assign_splits(items, seed=1)
    assert assign_splits(items, seed=1) != assign_splits(items, seed=2)


def test_large_sets_get_no_more_test_pictures_than_are_of_use() -> None:
    items = build([[1] * 6000, [1] * 4000])
    counts = Counter(assign_splits(items, seed=0, max_test=300, max_validation=500).values())
    assert counts == {"test": 300, "validation": 500, "train": 9200}


def test_duplicates_under_two_labels_stay_together() -> None:
    rng = random.Random(5)
    items: list[SplitItem] = []
    for group in range(60):
        for label in rng.sample("abcd", rng.choice([1, 1, 2])):
            items.append(SplitItem(len(items), label, f"g{group}"))
    splits = assign_splits(items, seed=0)
    assert len({(item.group, splits[item.id]) for item in items}) == 60
    assert all(set(counts) == {"train", "validation", "test"} for counts in count(items, splits).values())


def test_what_an_earlier_version_settled_is_kept() -> None:
    first = build([[1] * 50, [2] * 20])
    settled = assign_splits(first, seed=0)
    fixed = {item.group: settled[item.id] for item in first}
    more = [*first, *(SplitItem(1000 + i, "label0", f"new{i}") for i in range(50))]
    splits = assign_splits(more, seed=9, fixed=fixed)
    assert {i: splits[i] for i in settled} == settled
    assert count(more, splits)["label0"] == {"test": 15, "validation": 15, "train": 70}


def test_holding_out_makes_no_test_split() -> None:
    items = build([[1] * 100, [1, 1], [3]])
    counts = count(items, hold_out(items, seed=0))
    assert counts == {
        "label0": {"validation": 15, "train": 85},
        "label1": {"validation": 1, "train": 1},
        "label2": {"train": 3},
    }


def folded(items: list[SplitItem], folds: int = 5) -> dict[int, int]:
    held = {item.id for item in items if item.id % 7 == 0}
    return assign_folds(items, held, folds)


def test_the_validation_split_is_the_first_fold_and_the_others_are_alike() -> None:
    items = [SplitItem(i, "ab"[i % 3 == 0], str(i)) for i in range(210)]
    fold_of = folded(items)
    assert {i for i, fold in fold_of.items() if fold == 0} == set(range(0, 210, 7))
    for label in "ab":
        counts = [
            sum(fold_of[item.id] == fold and item.label == label for item in items) for fold in range(1, 5)
        ]
        assert max(counts) - min(counts) <= 1


def test_no_group_is_in_two_folds() -> None:
    items = [SplitItem(i, "ab"[i % 2], f"g{i // 7}") for i in range(140)]
    fold_of = folded(items)
    for group in {item.group for item in items}:
        assert len({fold_of[item.id] for item in items if item.group == group}) == 1


def test_folds_do_not_depend_on_the_order_of_the_pictures() -> None:
    items = [SplitItem(i, "abc"[i % 3], str(i // 2)) for i in range(90)]
    assert folded(items) == folded(items[::-1])
