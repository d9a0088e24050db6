"""From facts to findings: what is planted is found, and nothing is invented."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from search_engine.data.doctor import Finding, Kind, PictureFacts, RefusedFile, Severity, diagnose

USUAL = {"brightness": 0.5, "contrast": 0.2, "sharpness": 0.9, "is_gray": False}


def pictures(label: str, count: int, **facts: Any) -> list[PictureFacts]:
    """Pictures as there are many, a little different from each other."""
    return [
        PictureFacts(
            id=crc32(f"{label} {number}".encode()),
            name=f"{label}/{number}.png",
            sha256=f"{label} {number}",
            labels=(label,),
            split="train",
            group="",
            **{
                "width": 150,
                "height": 120,
                **USUAL,
                "brightness": 0.45 + 0.01 * (number % 10),
                "sharpness": 0.8 + 0.02 * (number % 10),
                **facts,
            },
        )
        for number in range(count)
    ]


CLEAN = pictures("cat", 20) + pictures("dog", 20)
ODD: dict[Kind, dict[str, Any]] = {
    Kind.ASPECT_RATIO: {"width": 600, "height": 60},
    Kind.DARK: {"brightness": 0.05, "contrast": 0.03},
    Kind.BRIGHT: {"brightness": 0.95, "contrast": 0.03},
    Kind.BLURRY: {"sharpness": 0.15},
    Kind.UNIFORM: {"contrast": 0.001},
    Kind.GRAYSCALE: {"is_gray": True},
    Kind.TINY: {"width": 10, "height": 12},
}


def odd_one(kind: Kind) -> PictureFacts:
    return replace(CLEAN[0], id=1, name="cat/odd.png", sha256="odd", **ODD[kind])


def found(those: Iterable[PictureFacts], *refused: RefusedFile, **options: Any) -> dict[Kind, Finding]:
    findings = diagnose(list(those), refused, **options)
    assert len({finding.key for finding in findings}) == len(findings)
    assert all(finding.message.endswith((".", "20.")) and len(finding.message) <= 500 for finding in findings)
    return {finding.kind: finding for finding in findings}


def test_nothing_is_wrong_with_usual_pictures() -> None:
    assert diagnose(CLEAN) == []
    assert diagnose([]) == []


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_picture_is_found_and_is_the_only_one(kind: Kind) -> None:
    findings = found([*CLEAN, odd_one(kind)])
    assert list(findings) == [kind]
    assert findings[kind].files == ("cat/odd.png",)
    assert findings[kind].pictures == (1,)


@pytest.mark.parametrize("kind", ODD)
def test_what_is_common_in_a_set_is_not_odd(kind: Kind) -> None:
    alike = [replace(picture, **ODD[kind]) for picture in CLEAN]
    assert kind not in found(alike)


def test_pictures_that_were_not_measured_are_not_judged() -> None:
    unknown = [
        replace(picture, brightness=None, contrast=None, sharpness=None, is_gray=None) for picture in CLEAN
    ]
    assert diagnose(unknown) == []


def test_small_things_are_small_by_nature() -> None:
    platelets = pictures("platelet", 30, width=30, height=30)
    cells = pictures("cell", 60, width=150, height=150)
    assert diagnose(cells + platelets) == []


def test_copies_that_were_left_out_are_named_with_their_original() -> None:
    refused = [RefusedFile(f"cat/copy {number}.png", "duplicate", "…", "cat 3") for number in range(2)]
    finding = found(CLEAN, *refused)[Kind.EXACT_DUPLICATE]
    assert finding.files == ("cat/3.png", "cat/copy 0.png", "cat/copy 1.png")
    assert finding.pictures == (CLEAN[3].id,)


def test_a_copy_in_the_folder_of_another_split_would_have_leaked() -> None:
    given = [replace(CLEAN[0], name="train/cat/0.png"), *CLEAN[1:]]
    copy = RefusedFile("test/cat/0.png", "duplicate", "…", "cat 0")
    assert found(given, copy)[Kind.LEAKAGE].files == ("train/cat/0.png", "test/cat/0.png")


def test_files_that_cannot_be_read_are_told_apart() -> None:
    refused = {"a": "empty", "b": "truncated", "c": "damaged", "d": "too_small", "e": "no_label"}
    kinds = {
        finding.files[0]: finding.kind
        for finding in diagnose(
            CLEAN, [RefusedFile(name, code, "So it is.") for name, code in refused.items()]
        )
    }
    assert kinds == {
        "a": Kind.UNREADABLE,
        "b": Kind.TRUNCATED,
        "c": Kind.UNREADABLE,
        "d": Kind.TINY,
        "e": Kind.UNLABELLED,
    }


def test_a_file_that_was_sent_again_and_was_good_then_is_no_finding() -> None:
    assert diagnose(CLEAN, [RefusedFile("cat/3.png", "truncated", "It is cut off.")]) == []


def test_the_same_picture_under_two_labels_is_an_error() -> None:
    both = replace(CLEAN[25], sha256=CLEAN[0].sha256)
    finding = found([*CLEAN[:25], both, *CLEAN[26:]])[Kind.CONFLICTING_LABELS]
    assert finding.severity is Severity.ERROR
    assert set(finding.files) == {CLEAN[0].name, both.name}
    assert "“cat” and “dog”" in finding.message


def test_several_labels_are_no_conflict_where_pictures_may_have_them() -> None:
    both = replace(CLEAN[25], sha256=CLEAN[0].sha256)
    assert Kind.CONFLICTING_LABELS not in found([*CLEAN[:25], both, *CLEAN[26:]], several_labels=True)


def test_near_duplicates_are_one_finding_a_group() -> None:
    grouped = [replace(picture, group="g") if number < 3 else picture for number, picture in enumerate(CLEAN)]
    findings = found(grouped)
    assert list(findings) == [Kind.NEAR_DUPLICATE]
    assert len(findings[Kind.NEAR_DUPLICATE].pictures) == 3


def test_near_duplicates_across_splits_leak() -> None:
    train, test = replace(CLEAN[0], group="g"), replace(CLEAN[1], group="g", split="test")
    finding = found([train, test, *CLEAN[2:]])[Kind.LEAKAGE]
    assert finding.severity is Severity.ERROR
    assert "training and test" in finding.message


def test_near_duplicates_in_the_folders_of_several_splits_are_leaks_that_were_mended() -> None:
    apart = [
        replace(CLEAN[0], name="train/cat/0.png", group="g"),
        replace(CLEAN[1], name="test/cat/1.png", group="g"),
    ]
    finding = found([*apart, *CLEAN[2:]])[Kind.LEAKAGE]
    assert finding.severity is Severity.WARNING
    assert finding.files == ("train/cat/0.png", "test/cat/1.png")


def test_labels_with_too_few_or_far_more_pictures_are_named() -> None:
    findings = found([*CLEAN, *pictures("owl", 2)])
    assert list(findings) == [Kind.TOO_FEW]
    assert findings[Kind.TOO_FEW].severity is Severity.ERROR
    assert len(findings[Kind.TOO_FEW].pictures) == 2
    uneven = found([*pictures("cat", 200), *pictures("dog", 20)])
    assert list(uneven) == [Kind.IMBALANCE]
    assert Kind.IMBALANCE not in found([*pictures("cat", 100), *pictures("dog", 20)])
    rare = found([*pictures("cat", 60), *pictures("dog", 4)])
    assert rare.keys() == {Kind.IMBALANCE, Kind.TOO_FEW}


def test_empty_folders_and_pictures_without_a_label_are_named() -> None:
    bare = replace(CLEAN[0], labels=())
    findings = found([bare, *CLEAN[1:]], empty_labels={"owl": "set/owl/", "cat": "set/cat/"})
    assert findings[Kind.EMPTY_LABEL].files == ("set/owl/",)
    assert findings[Kind.UNLABELLED].pictures == (bare.id,)


def test_the_same_thing_has_the_same_key_whatever_else_there_is() -> None:
    odd = odd_one(Kind.DARK)
    one, other = diagnose([*CLEAN, odd]), diagnose([odd, *reversed(CLEAN), *pictures("owl", 30)])
    assert [finding.key for finding in one] == [finding.key for finding in other]


def test_the_most_severe_comes_first() -> None:
    both = replace(CLEAN[25], sha256=CLEAN[0].sha256)
    odd = [odd_one(Kind.DARK), replace(odd_one(Kind.GRAYSCALE), id=2, sha256="grey")]
    findings = diagnose([*odd, *CLEAN[:25], both, *CLEAN[26:]])
    assert [finding.severity.value for finding in findings] == ["error", "warning", "note"]
