"""What is wrong with a set of pictures: from measured facts to findings, each with what it does to a model.

Pure: no file is opened and nothing is stored. Thresholds are absolute and relative to the set at once, since
an X-ray is meant to be grey and a drawing to be nearly white; what they were measured on is in decision 19.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from search_engine.data import oddities
from search_engine.data.duplicates import named_split
from search_engine.data.manifest import TEST, TRAIN, VALIDATION
from search_engine.data.wording import counted, listed, short, times

FEW = 10  # pictures of a label; with fewer, one or two judge it, and chance decides
VERY_FEW = 3  # cannot be in training, validation and test at once
IMBALANCE = 8  # times; never answering the small label then costs a model a ninth of its accuracy at most
MIN_BALANCED = 3  # labels with fewer pictures are too few, which says it better
SHOWN = 200  # pictures of one finding; more than that nobody looks through


class Kind(StrEnum):
    """What a finding is about."""

    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    EXACT_DUPLICATE = "exact_duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    CONFLICTING_LABELS = "conflicting_labels"
    LEAKAGE = "leakage"
    IMBALANCE = "imbalance"
    TOO_FEW = "too_few"
    EMPTY_LABEL = "empty_label"
    UNLABELLED = "unlabelled"
    ASPECT_RATIO = "aspect_ratio"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRY = "blurry"
    UNIFORM = "uniform"
    GRAYSCALE = "grayscale"
    TINY = "tiny"
    SUSPECT_LABEL = "suspect_label"  # by opinions of a model, not here


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


REFUSALS = {  # codes of files that did not become pictures (scan.Reason)
    "empty": Kind.UNREADABLE,
    "damaged": Kind.UNREADABLE,
    "not_a_picture": Kind.UNREADABLE,
    "format": Kind.UNREADABLE,
    "too_many_pixels": Kind.UNREADABLE,
    "too_large": Kind.UNREADABLE,
    "too_slow": Kind.UNREADABLE,
    "bomb": Kind.UNREADABLE,
    "link": Kind.UNREADABLE,
    "truncated": Kind.TRUNCATED,
    "too_small": Kind.TINY,
    "no_label": Kind.UNLABELLED,
}
USES = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture of the set.

    Attributes:
        id: unique in the set.
        name: as uploaded.
        sha256: of its content.
        labels: that it carries.
        split: ``train``, ``validation`` or ``test``.
        group: near-duplicates share it; empty for a picture that has none.
        width, height: in pixels.
        brightness, contrast, sharpness, is_gray: see ``quality.Facts``; None if they were not measured.
    """

    id: int
    name: str
    sha256: str
    labels: tuple[str, ...]
    split: str
    group: str
    width: int
    height: int
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    is_gray: bool | None = None


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that did not become a picture.

    Attributes:
        name: as uploaded.
        code: why, for programs; ``duplicate`` for an exact copy.
        reason: why, for people.
        sha256: of a copy, else empty.
    """

    name: str
    code: str
    reason: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the pictures that a person should know.

    Attributes:
        key: the same for the same thing found again; 64 characters.
        message: what it is and what it does to a model, in one sentence.
        files: names as uploaded, of pictures and of refused files.
        pictures: ids of the pictures.
    """

    kind: Kind
    severity: Severity
    key: str
    message: str
    files: tuple[str, ...] = ()
    pictures: tuple[int, ...] = ()


ODDITIES: dict[Callable[[Sequence[PictureFacts]], list[PictureFacts]], str] = {
    oddities.aspect_ratio: "It is a strip; a model sees squares, and next to nothing of it is left in one.",
    oddities.dark: "It is so dark that a model sees next to nothing, and may take darkness for its label.",
    oddities.bright: "It is so bright that a model sees next to nothing, and may take glare for its label.",
    oddities.blurry: "It is out of focus; a model learns from edges and textures, and here are none.",
    oddities.uniform: "It is nearly one colour; a model learns from it that nothing means its label.",
    oddities.grayscale: "It is grey among colour pictures; a model may tell its label by the missing colour.",
    oddities.tiny: "It is tiny beside the others; enlarged to what a model sees, it is a blur.",
}


def diagnose(
    pictures: Sequence[PictureFacts],
    refused: Iterable[RefusedFile] = (),
    *,
    empty_labels: Mapping[str, str] | None = None,
    several_labels: bool = False,
) -> list[Finding]:
    """Everything that is wrong with a set.

    Args:
        pictures: all of the set.
        refused: files that did not become pictures.
        empty_labels: labels whose folder held no picture, with the name of that folder as uploaded.
        several_labels: whether a picture may carry several labels.

    Returns:
        findings with different keys; the most severe first, then in the order of ``Kind``.
    """
    by_content: dict[str, list[PictureFacts]] = defaultdict(list)
    for picture in pictures:
        by_content[picture.sha256].append(picture)
    found = [
        *_refusals(refused, by_content, {picture.name for picture in pictures}),
        *_likeness(by_content, several_labels=several_labels),
        *_labels(pictures, empty_labels or {}),
        *_oddities(pictures),
    ]
    kinds, severities = list(Kind), list(Severity)
    unique = {finding.key: finding for finding in reversed(found)}.values()
    return sorted(
        unique, key=lambda each: (severities.index(each.severity), kinds.index(each.kind), each.files)
    )


def finding_key(kind: Kind, *about: str) -> str:
    """Names what was found, whenever and in whichever order it is found."""
    return hashlib.sha256("\0".join((kind.value, *sorted(about))).encode(errors="replace")).hexdigest()


def _of(
    kind: Kind,
    severity: Severity,
    message: str,
    pictures: Sequence[PictureFacts],
    *,
    about: Iterable[str] = (),
) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        key=finding_key(kind, *(about or (picture.sha256 for picture in pictures))),
        message=message[:500],
        files=tuple(picture.name for picture in pictures[:SHOWN]),
        pictures=tuple(picture.id for picture in pictures[:SHOWN]),
    )


# Files that are no pictures


def _refusals(
    refused: Iterable[RefusedFile], by_content: Mapping[str, list[PictureFacts]], names: set[str]
) -> Iterator[Finding]:
    copies: dict[str, list[str]] = defaultdict(list)
    for file in refused:
        if file.code == "duplicate" and file.sha256 in by_content:
            copies[file.sha256].append(file.name)
        elif file.code in REFUSALS and file.name not in names:  # else it was sent again, and then it was good
            yield _refusal(REFUSALS[file.code], file)
    for sha256, twins in copies.items():
        originals, copied = by_content[sha256], sorted(set(twins))
        yield _copies(sha256, originals, copied)
        yield from _left_out_of_test(sha256, originals, copied)


def _refusal(kind: Kind, file: RefusedFile) -> Finding:
    lost = {
        Kind.UNLABELLED: "No model can learn from it as long as it lies outside the folders of the labels",
    }.get(kind, "It was left out, so a model learns from one picture less")
    severity = Severity.NOTE if kind is Kind.UNLABELLED else Severity.WARNING
    message = f"{lost}: {file.reason}"[:500]
    return Finding(kind, severity, finding_key(kind, file.name), message, (file.name,))


def _copies(sha256: str, originals: Sequence[PictureFacts], copied: Sequence[str]) -> Finding:
    times = "a second time" if len(copied) == 1 else f"{len(copied) + 1:,} times in all"
    message = (
        f"The same file is there {times}; it was counted once, since copies make a model trust one picture "
        "too much and can end up in the test."
    )
    return Finding(
        Kind.EXACT_DUPLICATE,
        Severity.NOTE,
        finding_key(Kind.EXACT_DUPLICATE, sha256),
        message,
        (*(picture.name for picture in originals), *copied)[:SHOWN],
        tuple(picture.id for picture in originals),
    )


def _left_out_of_test(
    sha256: str, originals: Sequence[PictureFacts], copied: Sequence[str]
) -> Iterator[Finding]:
    """Copies across the folders of a split that the upload came with."""
    uses = {named_split(name) for name in (*(picture.name for picture in originals), *copied)} - {None}
    if len(uses) > 1:
        message = (
            "The same file lies in the folders of several splits; only one was kept, since a picture that a "
            "model has learned from cannot test it."
        )
        files = (*(picture.name for picture in originals), *copied)[:SHOWN]
        ids = tuple(picture.id for picture in originals)
        key = finding_key(Kind.LEAKAGE, sha256)
        yield Finding(Kind.LEAKAGE, Severity.WARNING, key, message, files, ids)


# Pictures that are the same


def _likeness(by_content: Mapping[str, list[PictureFacts]], *, several_labels: bool) -> Iterator[Finding]:
    groups: dict[str, list[PictureFacts]] = defaultdict(list)
    for sha256, same in by_content.items():
        for picture in same:
            groups[picture.group or sha256].append(picture)
    for group in groups.values():
        if len(group) < 2:
            continue
        copies = len({picture.sha256 for picture in group}) == 1
        if not copies:
            yield _near(group)
        labels = {picture.labels for picture in group if picture.labels}
        if len(labels) > 1 and not several_labels:
            contents = {picture.sha256 for picture in group if picture.labels}
            told = {(picture.sha256, picture.labels) for picture in group if picture.labels}
            yield _conflict(group, labels, copies=len(told) > len(contents))
        uses = {picture.split for picture in group}
        if len(uses) > 1:
            yield _leak(group, uses, copies=copies)
        elif len({named_split(picture.name) for picture in group} - {None}) > 1:
            yield _brought_together(group)
        if copies and len(labels) <= 1:
            yield _twice(group)


def _near(group: Sequence[PictureFacts]) -> Finding:
    message = (
        f"These {len(group):,} pictures are nearly the same; a model sees them as one that counts "
        f"{times(len(group))}, so keep the best one unless they show different things."
    )
    return _of(Kind.NEAR_DUPLICATE, Severity.WARNING, message, group)


def _conflict(group: Sequence[PictureFacts], labels: Iterable[tuple[str, ...]], *, copies: bool) -> Finding:
    names = listed([f"“{short(label)}”" for label in sorted({label for each in labels for label in each})])
    what = "The same picture is" if copies else "Nearly the same picture is"
    message = (
        f"{what} under {names}; a model is told both and learns neither, and one of them counts as a mistake "
        "whatever it answers."
    )
    severity = Severity.ERROR if copies else Severity.WARNING
    return _of(Kind.CONFLICTING_LABELS, severity, message, group)


def _leak(group: Sequence[PictureFacts], uses: set[str], *, copies: bool) -> Finding:
    words = listed([USES[use] for use in (TRAIN, VALIDATION, TEST) if use in uses])
    what = "The same picture is" if copies else "Nearly the same pictures are"
    message = (
        f"{what} among the {words} pictures; a model is then asked what it was told, and its figures come "
        "out better than they are."
    )
    return _of(Kind.LEAKAGE, Severity.ERROR, message, group)


def _brought_together(group: Sequence[PictureFacts]) -> Finding:
    message = (
        "Nearly the same pictures lie in the folders of several splits; they are used in one split together, "
        "since a picture that a model has learned from cannot test it."
    )
    return _of(Kind.LEAKAGE, Severity.WARNING, message, group)


def _twice(group: Sequence[PictureFacts]) -> Finding:
    message = (
        f"The same file is there {times(len(group))}; a model trusts it that much more than the others, so "
        "keep one."
    )
    return _of(Kind.EXACT_DUPLICATE, Severity.WARNING, message, group)


# Labels


def _labels(pictures: Sequence[PictureFacts], empty: Mapping[str, str]) -> Iterator[Finding]:
    of_label: dict[str, list[PictureFacts]] = defaultdict(list)
    for picture in pictures:
        for label in picture.labels:
            of_label[label].append(picture)
    for label in sorted(empty.keys() - of_label.keys()):
        message = f"The folder “{short(label)}” holds no picture, so no model will ever answer that."
        key = finding_key(Kind.EMPTY_LABEL, label)
        yield Finding(Kind.EMPTY_LABEL, Severity.WARNING, key, message, (empty[label],))
    for label, few in sorted(of_label.items()):
        if len(few) < FEW:
            yield _too_few(label, few)
    yield from _imbalance({label: len(those) for label, those in of_label.items()})
    unlabelled = [picture for picture in pictures if not picture.labels]
    if unlabelled:
        message = f"{counted(len(unlabelled))} without a label; no model learns anything from what has none."
        about = ("pictures without a label",)
        yield _of(Kind.UNLABELLED, Severity.NOTE, message, unlabelled, about=about)


def _too_few(label: str, few: Sequence[PictureFacts]) -> Finding:
    severity = Severity.ERROR if len(few) < VERY_FEW else Severity.WARNING
    message = (
        f"“{short(label)}” has only {counted(len(few))}; a model hardly learns it, and what is measured on "
        f"the few that test it is chance: add some until there are {FEW}, better 20."
    )
    return _of(Kind.TOO_FEW, severity, message, few, about=(label,))


def _imbalance(counts: Mapping[str, int]) -> Iterator[Finding]:
    counts = {label: count for label, count in counts.items() if count >= MIN_BALANCED}
    if not counts:
        return
    most, least = max(counts, key=lambda label: counts[label]), min(counts, key=lambda label: counts[label])
    if counts[most] >= IMBALANCE * counts[least]:
        message = (
            f"“{short(most)}” has {counts[most]:,} pictures and “{short(least)}” has {counts[least]:,}; a "
            "model can be right nearly always and still never answer the rare one, so add pictures of that."
        )
        # By its labels alone: the same finding while the numbers change.
        yield Finding(Kind.IMBALANCE, Severity.WARNING, finding_key(Kind.IMBALANCE, most, least), message, ())


# Single pictures


def _oddities(pictures: Sequence[PictureFacts]) -> Iterator[Finding]:
    for rule, text in ODDITIES.items():
        kind = Kind(rule.__name__)
        severity = Severity.NOTE if kind is Kind.GRAYSCALE else Severity.WARNING
        for picture in rule(pictures):
            yield _of(kind, severity, text, [picture])
