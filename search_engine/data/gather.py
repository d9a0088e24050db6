"""From an archive or a folder to pictures on disk, for the command line. The site imports by its own task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from search_engine.data.given import SHARE, says_nothing, settled
from search_engine.data.manifest import MULTI, SINGLE, TEST, TRAIN, VALIDATION, Manifest, Picture
from search_engine.data.scan import Found, Rejected, scan
from search_engine.data.split import SplitItem, assign_splits, hold_out
from search_engine.data.targets import split_items
from search_engine.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Gathered:
    """The pictures of one source.

    Attributes:
        pictures: (path relative to the folder, labels, sha256) of each that has a label.
        rejected: files that did not become pictures.
        names: of the pictures in the source, by their paths; of several alike the first.
        splits: the split of each content (sha256) that the source gives one, by folder or list.
        unlabelled: how many pictures were left out because they have no label.
    """

    pictures: tuple[tuple[str, tuple[str, ...], str], ...]
    rejected: tuple[Rejected, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    unlabelled: int = 0


def gather(source: Path, folder: Path, *, on_file: Callable[[int], None]) -> Gathered:
    """Copy the pictures of an archive or a folder into ``folder``, named by their content.

    Raises:
        DatasetError: the source cannot be used at all; the text says why.
    """
    pictures: list[tuple[str, tuple[str, ...], str]] = []
    rejected: list[Rejected] = []
    names: dict[str, str] = {}
    splits: dict[str, str] = {}
    unlabelled = 0
    for done, item in enumerate(scan(source), start=1):
        if isinstance(item, Found):
            path = f"{item.sha256[:2]}/{item.sha256}.{item.extension}"
            names.setdefault(path, item.name)
            target = folder / path
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(item.data)
            if item.labels:  # nothing is learned from one without
                pictures.append((path, item.labels, item.sha256))
                if item.split:
                    splits.setdefault(item.sha256, item.split)
            unlabelled += not item.labels
        else:
            rejected.append(item)
        on_file(done)
    return Gathered(tuple(pictures), tuple(rejected), names, splits, unlabelled)


def make_manifest(train: Gathered, test: Gathered | None, folder: Path, *, seed: int) -> Manifest:
    """Split the pictures and list them. A training picture that is also in the test set is left out.

    Splits that ``train`` gives itself are kept. If ``test`` is given, what ``train`` calls its test is
    learned from, too. If one picture has several labels, all may have: then the network is asked of each
    label whether it is on a picture.

    Args:
        train: pictures to learn from.
        test: a test set that the user gives; None to hold one out of ``train``.
        folder: where the pictures are.
        seed: of the split.

    Raises:
        DatasetError: fewer than two labels, or a test label that there is nothing to learn from.
    """
    tested = {sha256 for _, _, sha256 in test.pictures} if test else set()
    learned = [picture for picture in train.pictures if picture[2] not in tested]
    known = tuple(sorted({label for _, labels, _ in learned for label in labels}))
    if len(known) < 2:
        raise DatasetError(
            f"There is only one label ({', '.join(known)}), so there is nothing to tell apart. "
            "Put the pictures of each kind into a folder of their own."
        )
    given = test.pictures if test else ()
    several = any(len(labels) > 1 for _, labels, _ in (*learned, *given))
    pictures = [_picture(i, each, TRAIN, several=several) for i, each in enumerate((*learned, *given))]
    manifest = Manifest(folder, known, tuple(pictures), MULTI if several else SINGLE)
    items = split_items(manifest, list(enumerate(pictures[: len(learned)])))
    split_of = _divided(items, train.splits, seed=seed, with_test=test is None)
    for picture in pictures[len(learned) :]:
        for label in set(picture.all_labels).difference(known):
            raise DatasetError(f"The test set has a label {label!r} that the training set does not have.")
    return replace(
        manifest, pictures=tuple(replace(each, split=split_of.get(each.id, TEST)) for each in pictures)
    )


def _picture(number: int, found: tuple[str, tuple[str, ...], str], split: str, *, several: bool) -> Picture:
    path, labels, sha256 = found
    one, more = ("", labels) if several else (labels[0], ())
    return Picture(id=number, path=path, label=one, split=split, group=sha256, labels=more)


def _divided(
    items: Sequence[SplitItem], given: Mapping[str, str], *, seed: int, with_test: bool
) -> dict[int, str]:
    """The split of each item: as it is given, else drawn."""
    groups = {item.group for item in items}
    kept = {group: split for group, split in given.items() if group in groups}
    if not with_test:
        kept = {group: TRAIN if split == TEST else split for group, split in kept.items()}
    some_free = len(kept) < len(groups)
    if not kept or says_nothing(kept, some_free=some_free):
        return assign_splits(items, seed=seed) if with_test else hold_out(items, seed=seed)
    fixed, drawn = settled(kept, set(), some_free=some_free)
    return assign_splits(
        items,
        seed=seed,
        test_share=SHARE if with_test and TEST in drawn else 0.0,
        validation_share=SHARE if VALIDATION in drawn else 0.0,
        fixed=fixed,
    )
