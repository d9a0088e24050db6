"""What the command line makes of its sources."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from search_engine.data.gather import Gathered, gather, make_manifest
from search_engine.data.manifest import Manifest
from tests.engine.data.drawing import make_zip, picture
from tests.engine.data.tars import make_tar


def split_files(**counts: int) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for split, count in counts.items():
        for label in ("cats", "dogs"):
            files |= {f"{split}/{label}/{i}.png": picture(len(files) * 100 + i) for i in range(count)}
    return files


def gathered(source: Path, folder: Path) -> Gathered:
    return gather(source, folder / "pictures", on_file=lambda _: None)


def splits(manifest: Manifest) -> Counter[str]:
    return Counter(each.split for each in manifest.pictures)


def test_split_folders_inside_the_source_are_kept(tmp_path: Path) -> None:
    source = make_tar(tmp_path / "a.tgz", split_files(train=8, val=3, test=2), "w:gz")
    manifest = make_manifest(gathered(source, tmp_path), None, tmp_path, seed=1)
    assert splits(manifest) == {"train": 16, "validation": 6, "test": 4}


def test_a_split_that_is_not_given_is_drawn_from_training(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a.zip", split_files(train=20, test=5))
    manifest = make_manifest(gathered(source, tmp_path), None, tmp_path, seed=1)
    found = splits(manifest)
    assert found["test"] == 10
    assert 0 < found["validation"] < 15
    assert found["train"] == 40 - found["validation"]


def test_a_test_set_given_apart_is_the_only_test(tmp_path: Path) -> None:
    train = gathered(make_zip(tmp_path / "a.zip", split_files(train=8, val=3, test=2)), tmp_path)
    apart = {
        f"{label}/{i}.png": picture(9000 + i + len(label) * 50) for label in ("cat", "dog") for i in range(2)
    }
    apart = {name.replace("cat/", "cats/").replace("dog/", "dogs/"): data for name, data in apart.items()}
    test = gathered(make_zip(tmp_path / "b.zip", apart), tmp_path)
    tested = {sha256 for _, _, sha256 in test.pictures}
    manifest = make_manifest(train, test, tmp_path, seed=1)
    assert {each.group for each in manifest.of("test")} == tested
    assert splits(manifest)["validation"] == 6


def test_a_source_that_is_called_like_a_split_is_divided(tmp_path: Path) -> None:
    manifest = make_manifest(
        gathered(make_zip(tmp_path / "a.zip", split_files(test=20)), tmp_path), None, tmp_path, seed=1
    )
    assert set(splits(manifest)) == {"train", "validation", "test"}


def test_a_list_gives_labels_and_pictures_without_one_are_counted(tmp_path: Path) -> None:
    files = {f"{i}.png": picture(i) for i in range(9)}
    rows = ["filename,label", *(f"{i}.png,{'' if i == 8 else 'ab'[i % 2]}" for i in range(9))]
    found = gathered(make_zip(tmp_path / "a.zip", files | {"x.csv": "\n".join(rows).encode()}), tmp_path)
    assert (len(found.pictures), found.unlabelled, found.rejected) == (8, 1, ())
