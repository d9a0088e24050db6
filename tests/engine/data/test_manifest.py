from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search_engine.data.manifest import Manifest, Picture, read_manifest, write_manifest
from search_engine.errors import DatasetError

MANIFEST = Manifest(
    Path("/somewhere/pictures"),
    ("été & papier", "箱"),
    (
        Picture(7, "ab/abc.jpg", "箱", "train", "abc"),
        Picture(9, "cd/cde.png", "été & papier", "test", "cde"),
        Picture(8, "ef/line\u2028end.png", "箱", "validation", "efg"),
    ),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "v1.jsonl"
    write_manifest(MANIFEST, path)
    again = read_manifest(path)
    assert again == MANIFEST
    assert again.digest == MANIFEST.digest
    assert [file.name for file in path.parent.iterdir()] == ["v1.jsonl"]


def test_a_relative_root_starts_where_the_manifest_is(tmp_path: Path) -> None:
    write_manifest(replace(MANIFEST, root=Path("../images")), tmp_path / "old" / "manifests" / "v1.jsonl")
    (tmp_path / "old").rename(tmp_path / "new")
    again = read_manifest(tmp_path / "new" / "manifests" / "v1.jsonl")
    assert again == replace(MANIFEST, root=tmp_path / "new" / "images")


def test_a_file_name_that_is_no_unicode_survives(tmp_path: Path) -> None:
    odd = replace(MANIFEST, pictures=(Picture(1, "bad\udcff.jpg", "箱", "train", "1"),))
    write_manifest(odd, tmp_path / "m.jsonl")
    assert read_manifest(tmp_path / "m.jsonl") == odd


def test_pictures_are_picked_by_split() -> None:
    assert [picture.id for picture in MANIFEST.of("train")] == [7]
    assert [picture.id for picture in MANIFEST.of("test")] == [9]


def test_any_change_changes_the_digest() -> None:
    first, *rest = MANIFEST.pictures
    others = [
        replace(MANIFEST, root=Path("/elsewhere")),
        replace(MANIFEST, labels=MANIFEST.labels[::-1]),
        replace(MANIFEST, pictures=(replace(first, split="test"), *rest)),
        replace(MANIFEST, pictures=tuple(rest)),
    ]
    assert len({MANIFEST.digest, *(other.digest for other in others)}) == 5
    assert len(MANIFEST.digest) == 16


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": 1, "path": "a.jpg", "label": "箱", "split": "exam", "group": "1"}', "Line 3 .*'exam'"),
        ('{"id": 1, "path": "a.jpg", "label": "cat", "split": "train", "group": "1"}', "Line 3 .*'cat'"),
        ('{"id": 1, "path": "a.jpg"}', "Line 3"),
        ('{"id": 1', "Line 3"),
        ('{"id": 7, "path": "a.jpg", "label": "箱", "split": "train", "group": "1"}', "two pictures"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "m.jsonl"
    write_manifest(replace(MANIFEST, pictures=MANIFEST.pictures[:1]), path)
    with path.open("a") as file:
        file.write(line)
    with pytest.raises(DatasetError, match=says):
        read_manifest(path)


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_manifest(tmp_path / "none.jsonl")
