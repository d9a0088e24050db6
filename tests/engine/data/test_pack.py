from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search_engine.data import pack as packing
from search_engine.data.decode import to_pixels
from search_engine.data.manifest import Manifest, Picture
from search_engine.data.pack import Pack, build_packs
from search_engine.errors import Cancelled, DatasetError
from tests.engine.data.drawing import picture

SIDE = 8
SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK", 4)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Forty pictures, of which thirty are not for the test."""
    root = tmp_path / "images"
    root.mkdir()
    pictures = []
    for i in range(40):
        (root / f"{i}.png").write_bytes(picture(i))
        pictures.append(Picture(100 + i, f"{i}.png", "cats", SPLITS[i % 4], str(i)))
    return Manifest(root, ("cats",), tuple(pictures))


def build(manifest: Manifest, folder: Path, **options: int) -> Pack:
    made = build_packs(
        manifest, {SIDE: folder}, on_progress=lambda done, total: None, should_stop=lambda: False, **options
    )
    return made[SIDE]


def test_every_row_is_the_picture_that_its_id_says(manifest: Manifest, tmp_path: Path) -> None:
    build(manifest, tmp_path / "pack")
    pack = Pack.open(tmp_path / "pack")
    assert (pack.chunks, len(pack.ids), pack.resolution) == (8, 30, SIDE)
    paths = {picture.id: manifest.root / picture.path for picture in manifest.pictures}
    for chunk in range(pack.chunks):
        rows = pack.read(chunk)
        assert rows.dtype == np.uint8
        for row, number in zip(rows, pack.ids_of(chunk), strict=True):
            expected = Image.fromarray(to_pixels(paths[number].read_bytes()))
            square = expected.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            assert np.array_equal(row, np.asarray(square))


def test_test_pictures_are_never_packed_nor_even_opened(manifest: Manifest, tmp_path: Path) -> None:
    for sealed in manifest.of("test"):
        (manifest.root / sealed.path).unlink()
    pack = build(manifest, tmp_path / "pack")
    assert not {sealed.id for sealed in manifest.of("test")} & set(pack.ids)


def test_the_order_is_shuffled_and_the_same_for_everybody(manifest: Manifest, tmp_path: Path) -> None:
    first, second = build(manifest, tmp_path / "a"), build(manifest, tmp_path / "b")
    assert first.ids == second.ids
    assert first.ids != tuple(sorted(first.ids))


def test_a_part_is_enough_for_a_small_budget(manifest: Manifest, tmp_path: Path) -> None:
    pack = build(manifest, tmp_path / "pack", pictures=9)
    assert [pack.has(chunk) for chunk in range(pack.chunks)] == [True] * 3 + [False] * 5
    with pytest.raises(DatasetError, match="Part 3"):
        pack.read(3)
    assert all(build(manifest, tmp_path / "pack").has(chunk) for chunk in range(pack.chunks))


def test_what_is_there_is_not_made_again(manifest: Manifest, tmp_path: Path) -> None:
    pack = build(manifest, tmp_path / "pack")
    pack.path_of(5).unlink()
    times = {chunk: pack.path_of(chunk).stat().st_mtime_ns for chunk in range(8) if chunk != 5}
    build(manifest, tmp_path / "pack")
    assert pack.has(5)
    assert times == {chunk: pack.path_of(chunk).stat().st_mtime_ns for chunk in times}


def test_progress_ends_at_the_total(manifest: Manifest, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build_packs(
        manifest,
        {SIDE: tmp_path / "pack"},
        on_progress=lambda done, total: seen.append((done, total)),
        should_stop=lambda: False,
    )
    assert seen[-1] == (30, 30)


def test_stopping_leaves_only_whole_chunks(manifest: Manifest, tmp_path: Path) -> None:
    asked = iter(range(1000))
    with pytest.raises(Cancelled):
        build_packs(
            manifest,
            {SIDE: tmp_path / "pack"},
            on_progress=lambda done, total: None,
            should_stop=lambda: next(asked) >= 10,
        )
    pack = Pack.open(tmp_path / "pack")
    assert [pack.has(chunk) for chunk in range(8)] == [True] * 2 + [False] * 6
    assert not list((tmp_path / "pack").glob(".*"))


def test_a_vanished_picture_is_named(manifest: Manifest, tmp_path: Path) -> None:
    (manifest.root / "4.png").unlink()
    with pytest.raises(DatasetError, match=r"4\.png cannot be read"):
        build(manifest, tmp_path / "pack")


def test_a_damaged_picture_is_named(manifest: Manifest, tmp_path: Path) -> None:
    (manifest.root / "4.png").write_bytes(b"hello")
    with pytest.raises(DatasetError, match=r"4\.png cannot be used. This is text"):
        build(manifest, tmp_path / "pack")


def test_a_folder_of_another_data_set_is_not_mixed_up(manifest: Manifest, tmp_path: Path) -> None:
    build(manifest, tmp_path / "pack")
    other = Manifest(manifest.root, manifest.labels, manifest.pictures[:20])
    with pytest.raises(DatasetError, match="another data set"):
        build(other, tmp_path / "pack")


def test_there_is_no_pack_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no prepared pictures"):
        Pack.open(tmp_path)


def test_a_chunk_in_other_hands_is_waited_for_and_taken_over(manifest: Manifest, tmp_path: Path) -> None:
    locks = tmp_path / "pack" / "locks"
    locks.mkdir(parents=True)
    held = (locks / "00002").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    others_done = threading.Event()

    def stop() -> bool:
        """Asked at every picture and while waiting: once all others are made, let the lock go."""
        made = [path.name for path in (tmp_path / "pack").glob("*.npy")]
        if len(made) == 7 and not others_done.is_set():
            assert "00002.npy" not in made
            others_done.set()
            held.close()
        return False

    made = build_packs(
        manifest, {SIDE: tmp_path / "pack"}, on_progress=lambda done, total: None, should_stop=stop
    )
    assert others_done.is_set()
    assert made[SIDE].has(2)


def test_two_builders_share_the_work(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    count_decoding(monkeypatch, made)
    threads = [threading.Thread(target=build, args=(manifest, tmp_path / "pack")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 30
    assert all(Pack.open(tmp_path / "pack").has(chunk) for chunk in range(8))


def test_picture_is_decoded_once_for_all_sides(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = build(manifest, tmp_path / "alone")
    alone.path_of(3).unlink()
    made: list[Path] = []
    count_decoding(monkeypatch, made)
    packs = build_packs(
        manifest,
        {SIDE: alone.folder, 2 * SIDE: tmp_path / "larger"},
        on_progress=lambda done, total: None,
        should_stop=lambda: False,
    )
    assert len(made) == 30  # also those of chunk 3, which both lack
    assert np.array_equal(packs[SIDE].read(3), build(manifest, tmp_path / "again").read(3))
    assert packs[2 * SIDE].read(0).shape[1:] == (2 * SIDE, 2 * SIDE, 3)


def count_decoding(monkeypatch: pytest.MonkeyPatch, made: list[Path]) -> None:
    """Add each picture that is decoded for a pack to a list."""
    original: Callable[[Path, Sequence[int]], list[np.ndarray]] = packing.read_squares

    def counting(path: Path, sides: Sequence[int]) -> list[np.ndarray]:
        made.append(path)
        return original(path, sides)

    monkeypatch.setattr(packing, "read_squares", counting)
