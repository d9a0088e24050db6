"""Tars of every kind are read like zips: forwards, in one piece after another."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.data.limits import Limits
from search_engine.data.scan import Found, Reason, Rejected, Scanned, count_archive, open_scan, scan
from search_engine.data.unpacking import Gzip, Unpacked
from search_engine.errors import ArchiveError
from tests.engine.data.drawing import encoded, noise, picture
from tests.engine.data.tars import Mode, header, make_tar, member, write_members

GOOD = {f"set/{label}/{i}.png": picture(i) for label in ("cats", "dogs") for i in range(3)}
MODES: list[Mode] = ["w", "w:gz", "w:bz2", "w:xz"]
END = bytes(1024)


def found(results: list[Scanned]) -> dict[str, bytes]:
    return {result.name: result.data for result in results if isinstance(result, Found)}


def reasons(results: list[Scanned]) -> dict[str, Reason]:
    return {result.name: result.code for result in results if isinstance(result, Rejected)}


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(ArchiveError) as error:
        list(scan(path, limits=limits or Limits()))
    return str(error.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_gives_its_pictures_byte_for_byte(tmp_path: Path, mode: Mode, form: int) -> None:
    path = make_tar(tmp_path / "whatever.zip", GOOD, mode, form)
    results = list(scan(path))
    assert found(results) == GOOD
    assert len(results) == count_archive(path)
    assert {r.labels for r in results if isinstance(r, Found)} == {("cats",), ("dogs",)}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_in_any_script_are_read(tmp_path: Path, form: int) -> None:
    files = {f"кошки/{'x' * 150}/{i}–箱.png": picture(i) for i in range(2)}
    assert found(list(scan(make_tar(tmp_path / "a.tar", files, "w:gz", form)))) == files


def test_empty_folders_are_known(tmp_path: Path) -> None:
    with open_scan(make_tar(tmp_path / "a.tar", GOOD | {"set/birds/": b"", "set/": b""})) as opened:
        assert opened.labels.keys() == {"cats", "dogs", "birds"}


def test_a_list_behind_the_pictures_is_found(tmp_path: Path) -> None:
    files = {f"images/{i}.png": picture(i) for i in range(3)}
    files["labels.csv"] = b"filename,label\n0.png,a\n1.png,b\n2.png,a\n"
    results = list(scan(make_tar(tmp_path / "a.tgz", files, "w:gz")))
    assert [result.labels for result in results if isinstance(result, Found)] == [("a",), ("b",), ("a",)]


def test_members_that_are_no_plain_files_are_rejected(tmp_path: Path) -> None:
    odd = {
        "set/cats/soft.png": member("set/cats/soft.png", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        "set/cats/hard.png": member("set/cats/hard.png", kind=tarfile.LNKTYPE, link="set/cats/0.png"),
        "set/cats/device.png": member("set/cats/device.png", kind=tarfile.CHRTYPE),
        "set/cats/block.png": member("set/cats/block.png", kind=tarfile.BLKTYPE),
        "set/cats/pipe.png": member("set/cats/pipe.png", kind=tarfile.FIFOTYPE),
    }
    path = write_members(tmp_path / "a.tar", [*odd.values(), *(member(n, d) for n, d in GOOD.items())])
    results = list(scan(path))
    assert reasons(results) == dict.fromkeys(odd, Reason.LINK)
    assert found(results) == GOOD


def test_a_file_stored_with_gaps_is_rejected(tmp_path: Path) -> None:
    info, data = member("set/cats/gaps.png", picture(9))
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": info.name}
    path = write_members(tmp_path / "a.tar", [(info, data), *(member(n, d) for n, d in GOOD.items())])
    assert reasons(list(scan(path))) == {"set/cats/gaps.png": Reason.DAMAGED}


def test_names_that_lead_out_are_rejected(tmp_path: Path) -> None:
    names = [
        "../evil.png",
        "/etc/evil.png",
        "set/../../evil.png",
        "C:\\evil.png",
        "\\\\host\\evil.png",
        "set\\cats\\x.png",
    ]
    files = GOOD | {name: picture(20) for name in names}
    results = list(scan(make_tar(tmp_path / "a.tar", files)))
    assert reasons(results) == dict.fromkeys(names, Reason.UNSAFE_NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_the_second_file_of_one_name_is_rejected(tmp_path: Path) -> None:
    members = [member(n, d) for n, d in GOOD.items()]
    path = write_members(tmp_path / "a.tar", [*members, member("set/cats/0.png", picture(99))])
    assert reasons(list(scan(path))) == {"set/cats/0.png": Reason.SAME_NAME}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", [0.4, 0.8])
def test_a_tar_that_is_cut_off_is_refused(tmp_path: Path, mode: Mode, part: float) -> None:
    path = make_tar(tmp_path / "a.tar", GOOD, mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole.rstrip(b"\0")) * part)])
    assert "cut off: only part of it arrived" in refusal(path)


def test_a_tar_that_ends_without_an_end_is_taken_for_cut_off(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(header(b"cats/1.png", 0))
    assert "cut off" in refusal(tmp_path / "a.tar")


def test_a_tar_with_a_damaged_header_is_refused(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", GOOD, form=tarfile.USTAR_FORMAT)
    data = bytearray(path.read_bytes())
    second = data.index(b"set/cats/1.png")
    data[second] ^= 1
    path.write_bytes(data)
    assert "The tar is damaged" in refusal(path)


def test_a_packed_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(picture() * 20))
    assert "damaged" in refusal(tmp_path / "a.gz")


def test_a_header_that_claims_a_huge_name_is_refused_unread(tmp_path: Path) -> None:
    for kind in (b"L", b"x"):
        (tmp_path / "a.tar").write_bytes(header(b"name", 900 * 1024**2, kind) + END)
        assert "longer than any name" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize("size", [-1, 8**11 - 1])
def test_a_header_that_lies_about_its_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.tar").write_bytes(header(b"cats/1.png", size) + END)
    assert "The tar is" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize(
    "record",
    [b"0 path=x\n", b"99 path=x\n", b"x", b"8 path=x", b"11 size=-1\n", b"12 size=abc\n", b"6 abc\n"],
)
def test_a_damaged_extended_header_is_refused(tmp_path: Path, record: bytes) -> None:
    block = record + bytes(512 - len(record))
    (tmp_path / "a.tar").write_bytes(
        header(b"pax", len(record), b"x") + block + header(b"cats/1.png", 0) + END
    )
    assert "The tar is damaged" in refusal(tmp_path / "a.tar")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tgz", GOOD, "w:gz")
    assert "more than 5 files" in refusal(path, Limits(max_files=5))
    (tmp_path / "b.tar").write_bytes(header(b"g", 0, b"g") * 60 + END)
    assert "more than 10 files" in refusal(tmp_path / "b.tar", Limits(max_files=10))


def test_a_bomb_is_rejected_unopened_and_the_rest_used(tmp_path: Path) -> None:
    files = {"set/cats/bomb.bmp": bytes(20 * 1024**2)} | GOOD
    results = list(scan(make_tar(tmp_path / "a.tgz", files, "w:gz")))
    assert reasons(results) == {"set/cats/bomb.bmp": Reason.BOMB}
    assert found(results) == GOOD


def test_a_file_too_large_for_memory_is_rejected(tmp_path: Path) -> None:
    files = {"set/cats/big.bmp": bytes(range(256)) * 100} | GOOD
    results = list(scan(make_tar(tmp_path / "a.tar", files), limits=Limits(max_file_bytes=10_000)))
    assert reasons(results) == {"set/cats/big.bmp": Reason.TOO_LARGE}


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_engine.data.unpacking.DOUBT", 1024**2)
    path = make_tar(tmp_path / "a.tgz", GOOD | {"set/cats/zeros.bin": bytes(30 * 1024**2)}, "w:gz")
    assert "far more than pictures do" in refusal(path)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {"cats/1.bin": bytes(range(256)) * 400})
    assert "unpacks to more than" in refusal(path, Limits(max_total_bytes=100_000))


def test_streams_one_after_another_are_one(tmp_path: Path) -> None:
    """As programs write them that pack on several cores."""
    plain = make_tar(tmp_path / "a.tar", GOOD).read_bytes()
    half = len(plain) // 2
    (tmp_path / "b.tgz").write_bytes(gzip.compress(plain[:half]) + gzip.compress(plain[half:]) + bytes(100))
    assert found(list(scan(tmp_path / "b.tgz"))) == GOOD


def test_each_pass_goes_forwards_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"cats/{i}.bmp": encoded(noise(i, (100, 100)), "BMP") for i in range(30)}
    path = make_tar(tmp_path / "a.tgz", files, "w:gz")
    consumed: list[Unpacked] = []
    begin = Unpacked.__init__

    def noted(self: Unpacked, *args: object) -> None:
        begin(self, *args)  # type: ignore[arg-type]
        consumed.append(self)

    monkeypatch.setattr(Unpacked, "__init__", noted)
    assert len(list(scan(path))) == 30
    assert len(consumed) == 2
    assert all(stream.consumed <= path.stat().st_size for stream in consumed)


def test_memory_holds_one_file_at_a_time(tmp_path: Path) -> None:
    files = {f"cats/{i}.bmp": encoded(noise(i, (600, 600)), "BMP") for i in range(20)}
    path = make_tar(tmp_path / "a.tgz", files, "w:gz")
    one = len(files["cats/0.bmp"])
    del files
    tracemalloc.start()
    try:
        assert sum(1 for _ in scan(path)) == 20
        assert tracemalloc.get_traced_memory()[1] < 8 * one
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_tar_gives_results_or_an_archive_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    mode: Mode = data.draw(st.sampled_from(["w", "w:gz"]))
    path = make_tar(tmp_path_factory.getbasetemp() / "fuzzed.tar", GOOD, mode)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(ArchiveError):  # any other error fails the test
        total = count_archive(path)
        assert len(list(scan(path))) == total


def test_a_little_is_unpacked_at_a_time() -> None:
    stream = Unpacked(io.BytesIO(gzip.compress(bytes(8 * 1024**2))), Gzip, Limits())
    assert stream.read(10) == bytes(10)
    assert stream.given <= 256 * 1024
