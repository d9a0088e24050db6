"""Divide pictures into training, validation and test, once and for good."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from search_engine.data.manifest import TEST, TRAIN, VALIDATION


@dataclass(frozen=True, slots=True)
class SplitItem:
    """A picture to be assigned.

    Attributes:
        id: of the picture. One that has several labels is several items, of one group; see ``items_of``.
        label: the label that its split is to be balanced for.
        group: items of one group, such as byte-identical pictures, go to one split, whatever their labels.
    """

    id: int
    label: str
    group: str


def assign_splits(
    items: Sequence[SplitItem],
    *,
    seed: int,
    test_share: float = 0.15,
    validation_share: float = 0.15,
    max_test: int = 3000,
    max_validation: int = 5000,
    fixed: Mapping[str, str] | None = None,
) -> dict[int, str]:
    """Assign each picture to ``train``, ``validation`` or ``test``.

    Stratified: each label is divided in the same shares, as near as whole groups allow. A label of at least
    three groups has one in each split (unless all of them are tied to other labels); one of two groups has
    train and validation. The result depends on the seed and on the items, not on their order.

    Args:
        items: the pictures.
        seed: rules the random choice.
        test_share: of each label's pictures; less where all labels together would pass ``max_test``.
        validation_share: the same, with ``max_validation``.
        max_test: pictures that are enough for a test (a standard error under one point).
        max_validation: pictures that are enough to compare candidates; every one costs time in every trial.
        fixed: groups whose split is settled, because an earlier version of the data set has them.

    Returns:
        the split of every id.
    """
    shares = {
        TEST: min(test_share, max_test / _pictures(items)),
        VALIDATION: min(validation_share, max_validation / _pictures(items)),
    }
    return _Assignment(items, shares, dict(fixed or {})).run(seed)


def hold_out(
    items: Sequence[SplitItem], *, seed: int, validation_share: float = 0.15, max_validation: int = 5000
) -> dict[int, str]:
    """Assign to ``train`` and ``validation`` only, for when a test set is given apart.

    Otherwise as ``assign_splits``; a label of at least two groups has one in both.
    """
    shares = {VALIDATION: min(validation_share, max_validation / _pictures(items))}
    return _Assignment(items, shares, {}).run(seed)


def assign_folds(
    items: Sequence[SplitItem], first: Collection[int], folds: int, *, seed: int = 0
) -> dict[int, int]:
    """Divide pictures for cross-validation.

    Stratified: a group goes to the fold that has the fewest pictures of its label so far, the largest groups
    first, so that folds differ by no more than a group needs. The result depends on the seed and on the
    items, not on their order.

    Args:
        items: the pictures that are learned from or judged by.
        first: ids of fold 0, the validation split; its groups are in no other fold.
        folds: how many in all, at least 2.
        seed: rules the random choice.

    Returns:
        the fold of every id, 0 to ``folds`` - 1.
    """
    groups: dict[str, list[SplitItem]] = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    fold_of = {item.group: 0 for item in items if item.id in first}
    counts: Counter[tuple[str, int]] = Counter()  # pictures of a label in a fold
    sizes: Counter[int] = Counter()
    free = sorted(groups.keys() - fold_of.keys())
    random.Random(f"{seed}:folds").shuffle(free)
    totals = Counter(item.label for item in items)
    # As splits do, rare labels choose first.
    free.sort(key=lambda group: (min(totals[item.label] for item in groups[group]), -len(groups[group])))
    for group in free:
        labels = Counter(item.label for item in groups[group])
        fold_of[group] = min(
            range(1, folds),
            key=lambda fold: (sum(counts[label, fold] for label in labels), sizes[fold], fold),
        )
        sizes[fold_of[group]] += len({item.id for item in groups[group]})
        for label, count in labels.items():
            counts[label, fold_of[group]] += count
    return {item.id: fold_of[item.group] for item in items}


def items_of(pictures: Iterable[tuple[int, Collection[str], str]]) -> list[SplitItem]:
    """Items of pictures that may have several labels, or none.

    A picture stands for each label that it has and most have not, and for each that it has not and most have:
    the rarer side of a label is what a split may end up without. Since labels choose in the order of how rare
    they are, this is iterative stratification (Sechidis et al. 2011) a label at a time.

    Args:
        pictures: (id, labels, group) of each.
    """
    known = list(pictures)
    counts = Counter(label for _, labels, _ in known for label in labels)
    common = {label for label, count in counts.items() if 2 * count > len(known)}
    return [
        SplitItem(number, stratum, group)
        for number, labels, group in known
        for stratum in [
            *(f"with {label}" for label in labels if label not in common),
            *(f"without {label}" for label in sorted(common.difference(labels))),
        ]
        or [""]
    ]


def _pictures(items: Sequence[SplitItem]) -> int:
    return max(1, len({item.id for item in items}))


class _Assignment:
    """The work of one call: which group is in which split so far."""

    def __init__(
        self, items: Sequence[SplitItem], shares: Mapping[str, float], split_of: dict[str, str]
    ) -> None:
        self.items = items
        self.shares = shares
        self.split_of = split_of
        self.groups: dict[str, Counter[str]] = defaultdict(Counter)  # pictures of a label by group
        for item in items:
            self.groups[item.label][item.group] += 1

    def run(self, seed: int) -> dict[int, str]:
        # Labels with the fewest groups choose first: they have the least room when groups span labels.
        for label in sorted(self.groups, key=lambda label: (len(self.groups[label]), label)):
            self._assign(label, random.Random(f"{seed}:{label}"))
        return {item.id: self.split_of[item.group] for item in self.items}

    def _assign(self, label: str, rng: random.Random) -> None:
        sizes = self.groups[label]
        free = sorted(group for group in sizes if group not in self.split_of)
        rng.shuffle(free)
        total = sum(sizes.values())
        # With two groups the test goes without: nothing can be learned or compared without the other two.
        splits = [split for split in self.shares if split != TEST or len(sizes) > 2]
        for position, split in enumerate(splits):
            kept = sum(not self._has(label, later) for later in [*splits[position + 1 :], TRAIN])
            free = self._fill(label, split, self.shares[split] * total, free, kept)
        for group in free:
            self.split_of[group] = TRAIN

    def _fill(self, label: str, split: str, target: float, free: list[str], kept: int) -> list[str]:
        """Give groups to a split while that brings it nearer to its target; leave ``kept`` for the others."""
        sizes = self.groups[label]
        count = sum(size for group, size in sizes.items() if self.split_of.get(group) == split)
        left = len(free)
        taken: list[str] = []
        for group in free:
            if left > kept and abs(count + sizes[group] - target) < abs(count - target):
                count += sizes[group]
                taken.append(group)
                left -= 1
        if not count and target > 0 and left > kept:
            taken.append(min(free, key=lambda group: sizes[group]))
        for group in taken:
            self.split_of[group] = split
        return [group for group in free if group not in self.split_of]

    def _has(self, label: str, split: str) -> bool:
        return any(self.split_of.get(group) == split for group in self.groups[label])
