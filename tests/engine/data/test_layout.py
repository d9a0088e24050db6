"""Folders that are splits, folders that are labels, and pictures that lie loose."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_engine.data.scan import Found, Reason, Rejected, Scanned, open_scan, scan
from tests.engine.data.drawing import make_zip, picture


def scanned(tmp_path: Path, names: list[str], *, label: str = "") -> list[Scanned]:
    path = make_zip(tmp_path / "upload.zip", {name: picture(i) for i, name in enumerate(names)})
    with open_scan(path, label=label) as opened:
        return list(opened)


def places(results: list[Scanned]) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    return {result.name: (result.split, result.labels) for result in results if isinstance(result, Found)}


@pytest.mark.parametrize("outer", ["", "pets/", "a/b/"])
@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "VALID", "Testing")])
def test_outer_folders_say_the_split(tmp_path: Path, outer: str, words: tuple[str, str, str]) -> None:
    names = [f"{outer}{word}/{label}/1.png" for word in words for label in ("cats", "dogs")]
    expected = [(split, (label,)) for split in ("train", "validation", "test") for label in ("cats", "dogs")]
    assert list(places(scanned(tmp_path, names)).values()) == expected


def test_folders_between_split_and_label_are_peeled(tmp_path: Path) -> None:
    names = ["train/images/cats/1.png", "train/images/dogs/1.png", "test/images/cats/2.png"]
    found = places(scanned(tmp_path, names))
    assert list(found.values()) == [("train", ("cats",)), ("train", ("dogs",)), ("test", ("cats",))]


def test_a_label_may_be_called_like_a_split(tmp_path: Path) -> None:
    found = places(scanned(tmp_path, ["train/1.png", "bus/1.png", "test/1.png"]))
    assert set(found.values()) == {(None, ("train",)), (None, ("bus",)), (None, ("test",))}


def test_split_folders_without_labels_hold_unlabelled_pictures(tmp_path: Path) -> None:
    found = places(scanned(tmp_path, ["train/1.png", "train/2.png", "test/1.png"]))
    assert set(found.values()) == {("train", ()), ("test", ())}


def test_a_single_outer_split_folder_says_the_split(tmp_path: Path) -> None:
    found = places(scanned(tmp_path, ["test/cats/1.png", "test/dogs/1.png"]))
    assert list(found.values()) == [("test", ("cats",)), ("test", ("dogs",))]


def test_loose_pictures_have_no_label(tmp_path: Path) -> None:
    assert set(places(scanned(tmp_path, ["1.png", "2.png"])).values()) == {(None, ())}


def test_loose_pictures_get_the_label_that_is_given(tmp_path: Path) -> None:
    assert set(places(scanned(tmp_path, ["1.png", "2.png"], label="cup")).values()) == {(None, ("cup",))}


def test_loose_pictures_beside_label_folders_need_a_label(tmp_path: Path) -> None:
    names = ["cats/1.png", "dogs/1.png", "loose.png"]
    results = scanned(tmp_path, names)
    assert [r.code for r in results if isinstance(r, Rejected)] == [Reason.NO_LABEL]
    assert places(scanned(tmp_path, names, label="cup"))["loose.png"] == (None, ("cup",))
    inside = scanned(tmp_path, ["train/cats/1.png", "train/loose.png", "test/cats/2.png"])
    assert [r.name for r in inside if isinstance(r, Rejected)] == ["train/loose.png"]


def test_label_folders_without_pictures_are_known(tmp_path: Path) -> None:
    files = {"set/cats/1.png": picture(1), "set/dogs/1.png": picture(2), "set/birds/": b"", "set/fish/": b""}
    files |= {"set/fish/note.txt": b"later", "set/.hidden/": b"", "__MACOSX/": b""}
    with open_scan(make_zip(tmp_path / "upload.zip", files)) as opened:
        assert opened.labels.keys() == {"cats", "dogs", "birds", "fish"}


def test_a_folder_without_pictures_in_a_split_is_known(tmp_path: Path) -> None:
    files = {"train/cats/1.png": picture(1), "test/cats/2.png": picture(2), "train/birds/": b""}
    with open_scan(make_zip(tmp_path / "upload.zip", files)) as opened:
        assert opened.labels.keys() == {"cats", "birds"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF"])
def test_one_picture_is_an_upload(tmp_path: Path, kind: str) -> None:
    (tmp_path / "0123.upload").write_bytes(picture(3, kind))
    with open_scan(tmp_path / "0123.upload", name="C:\\me\\cup.jpg", label="cup") as opened:
        assert opened.total == 1
        (found,) = opened
    assert isinstance(found, Found)
    assert (found.name, found.labels, found.format) == ("cup.jpg", ("cup",), kind)


def test_a_folder_is_read_with_its_splits_and_lists(tmp_path: Path) -> None:
    for name in ("train/cats/1.png", "test/cats/2.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(picture(len(name)))
    (tmp_path / "train" / "dogs").mkdir()
    with open_scan(tmp_path) as opened:
        assert opened.labels.keys() == {"cats", "dogs"}
        assert set(places(list(opened)).values()) == {("train", ("cats",)), ("test", ("cats",))}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture(1))
    cats = tmp_path / "set" / "cats"
    cats.mkdir(parents=True)
    (cats / "own.png").write_bytes(picture(2))
    (cats / "out.png").symlink_to(tmp_path / "secret.png")
    (cats / "in.png").symlink_to(cats / "own.png")
    (cats / "up").symlink_to(tmp_path)
    results = list(scan(tmp_path / "set"))
    assert set(places(results)) == {"cats/own.png", "cats/in.png"}
    assert {r.name: r.code for r in results if isinstance(r, Rejected)} == {
        "cats/out.png": Reason.LINK,
        "cats/up": Reason.LINK,
    }
