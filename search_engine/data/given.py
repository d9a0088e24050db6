"""Splits that an upload gives, by folders or a list: what of them holds, and what is left to be drawn."""

from __future__ import annotations

from collections.abc import Mapping

from search_engine.data.manifest import TEST, TRAIN, VALIDATION

SHARE = 0.15  # of each label's pictures that are drawn for validation, and for the test


def says_nothing(given: Mapping[str, str], *, some_free: bool) -> bool:
    """Whether all of a first upload lies in one split, such as a folder ``test``: that is only a name.

    Args:
        given: the split of each content.
        some_free: whether there are pictures that the upload gives no split for.
    """
    return not some_free and len(set(given.values())) == 1


def settled(given: dict[str, str], present: set[str], *, some_free: bool) -> tuple[dict[str, str], set[str]]:
    """What of the splits that an upload gives is to be kept, and which splits are to be drawn from the rest.

    No network can be chosen without a validation split, or judged without a test. So where neither the upload
    nor the data set has one of them, it is drawn from the pictures that were given for training.

    Args:
        given: the split of each content.
        present: splits that the data set has pictures in.
        some_free: whether there are pictures that the upload gives no split for.
    """
    drawn = {VALIDATION, TEST}
    if some_free or not given:
        return given, drawn
    said = set(given.values())
    missing = drawn - said - present
    if missing:
        given = {content: split for content, split in given.items() if split != TRAIN}
    return given, missing
