"""What is wrong with a whole archive, and members that are not what they claim."""

from __future__ import annotations

import contextlib
import copy
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.data.scan import Found, Limits, Reason, Rejected, count_archive, scan_archive
from search_engine.errors import ArchiveError
from tests.engine.data.drawing import make_zip, picture

GOOD = {f"{label}/{i}.png": picture(i) for label in ("cats", "dogs") for i in range(3)}


def refusal(path: Path, limits: Limits | None = None) -> str:
    """The sentence with which counting and scanning refuse an archive."""
    with pytest.raises(ArchiveError) as counting:
        count_archive(path, limits=limits or Limits())
    with pytest.raises(ArchiveError) as scanning:
        next(scan_archive(path, limits=limits or Limits()))
    assert str(counting.value) == str(scanning.value)
    return str(counting.value)


def reasons(path: Path, limits: Limits | None = None) -> list[Reason]:
    results = list(scan_archive(path, limits=limits or Limits()))
    assert sum(isinstance(result, Found) for result in results) == len(GOOD)
    return [result.code for result in results if isinstance(result, Rejected)]


def test_an_empty_zip_is_refused(tmp_path: Path) -> None:
    says = refusal(make_zip(tmp_path / "a.zip", {}))
    assert says.startswith("There are no pictures in it.")
    assert "one folder per label" in says


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch()
    assert "The file is empty" in refusal(tmp_path / "a.zip")


def test_a_zip_of_text_files_only_is_refused(tmp_path: Path) -> None:
    says = refusal(make_zip(tmp_path / "a.zip", {"notes.txt": b"one", "more.csv": b"a,b"}))
    assert "no pictures in it: only notes.txt" in says


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path, part: float) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert refusal(path) == "The zip file is cut off: only part of it arrived. Upload it again."


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"hello, this is text", "not a zip file, a tar or a picture"),
        (b"Rar!\x1a\x07" + bytes(50), "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7z archive"),
    ],
)
def test_other_files_are_refused_by_what_they_are(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert says in refusal(tmp_path / "a.zip")


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cats/1.png", picture())
        archive.infolist()[0].flag_bits |= 1
    assert "password" in refusal(path)


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cats/1.png", picture())
        again = copy.copy(archive.infolist()[0])
        again.filename = "cats/2.png"
        archive.filelist.append(again)
    assert "overlap" in refusal(path)


def test_too_many_files_are_refused_before_the_directory_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    assert count_archive(path, limits=Limits(max_files=6)) == 6
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "more than 5 files" in refusal(path, Limits(max_files=5))


def test_a_comment_and_a_prefix_do_no_harm(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by hand " * 1000
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert count_archive(path) == 6
    assert "more than 5 files" in refusal(path, Limits(max_files=5))
    assert reasons(path) == []


def test_the_64_bit_directory_of_large_archives_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    path = make_zip(tmp_path / "a.zip", GOOD)
    assert b"PK\x06\x06" in path.read_bytes()
    assert count_archive(path) == 6
    assert "more than 5 files" in refusal(path, Limits(max_files=5))


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"cats/1.bin": bytes(range(256)) * 400})
    assert "unpacks to" in refusal(path, Limits(max_total_bytes=100_000))


def test_many_small_bombs_are_refused_together(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(1200):
            archive.writestr(f"cats/{i}.bmp", b"x")
            archive.infolist()[i].file_size = 1_000_000
    assert "far more than pictures do" in refusal(path)


def test_a_bomb_is_rejected_unopened_and_the_rest_used(tmp_path: Path) -> None:
    assert reasons(make_zip(tmp_path / "a.zip", GOOD | {"cats/bomb.bmp": bytes(5 * 1024**2)})) == [
        Reason.BOMB
    ]


def test_a_file_too_large_for_memory_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD | {"cats/big.bmp": bytes(20_000)}, zipfile.ZIP_STORED)
    assert reasons(path, Limits(max_file_bytes=10_000)) == [Reason.TOO_LARGE]


def test_a_link_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    link = zipfile.ZipInfo("cats/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert reasons(path) == [Reason.LINK]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compression_is_rejected(tmp_path: Path, method: int) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("cats/rare.png", picture(9))
    assert reasons(path) == [Reason.DAMAGED]


@pytest.mark.parametrize("change", [-50, +50])
def test_a_member_that_lies_about_its_size_is_rejected(tmp_path: Path, change: int) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/liar.png", picture(9))
        archive.getinfo("cats/liar.png").file_size += change
    assert reasons(path) == [Reason.DAMAGED]


def test_a_member_with_a_wrong_checksum_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cats/liar.png", picture(9))
        archive.getinfo("cats/liar.png").CRC ^= 1
    assert reasons(path) == [Reason.DAMAGED]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_zip_gives_results_or_an_archive_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = make_zip(tmp_path_factory.getbasetemp() / "fuzzed.zip", GOOD)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(ArchiveError):  # any other error fails the test
        total = count_archive(path)
        assert len(list(scan_archive(path))) == total
