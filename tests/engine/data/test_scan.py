from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from search_engine.data.scan import (
    Found,
    Limits,
    Reason,
    Rejected,
    Scanned,
    count_archive,
    count_folder,
    scan,
    scan_archive,
    scan_folder,
)
from search_engine.errors import ArchiveError, DatasetError
from tests.engine.data.drawing import encoded, make_zip, noise, picture

CATS = {f"cats/{i}.png": picture(i) for i in range(3)}
DOGS = {f"dogs/{i}.png": picture(10 + i) for i in range(3)}


def found(results: list[Scanned]) -> dict[str, str]:
    return {result.name: result.labels[0] for result in results if isinstance(result, Found)}


def rejected(results: list[Scanned]) -> dict[str, Reason]:
    return {result.name: result.code for result in results if isinstance(result, Rejected)}


def scan_zip(tmp_path: Path, files: dict[str, bytes]) -> list[Scanned]:
    path = make_zip(tmp_path / "upload.zip", files)
    results = list(scan_archive(path))
    assert len(results) == count_archive(path)
    return results


def test_a_picture_comes_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    data = picture(3, "JPEG", (30, 20))
    (result,) = scan_zip(tmp_path, {"cats/one.JPG": data})
    assert isinstance(result, Found)
    assert (result.name, result.labels, result.data) == ("cats/one.JPG", ("cats",), data)
    assert (result.format, result.width, result.height, result.extension) == ("JPEG", 30, 20, "jpg")
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert result.image is not None
    assert result.image.size == (30, 20)


def test_the_format_is_that_of_the_bytes_not_of_the_name(tmp_path: Path) -> None:
    results = scan_zip(tmp_path, {"cats/a.jpg": picture(kind="PNG"), "cats/noext": picture(kind="WEBP")})
    assert [result.format for result in results if isinstance(result, Found)] == ["PNG", "WEBP"]


@pytest.mark.parametrize("outer", ["", "my pictures/", "backup/my pictures/", "./"])
def test_outer_folders_are_peeled(tmp_path: Path, outer: str) -> None:
    files = {f"{outer}{name}": data for name, data in (CATS | DOGS).items()}
    labels = found(scan_zip(tmp_path, files))
    assert sorted(labels.values()) == ["cats"] * 3 + ["dogs"] * 3


def test_a_single_label_is_not_taken_for_an_outer_folder(tmp_path: Path) -> None:
    files = CATS | {"cats/more/9.png": picture(9)}
    assert set(found(scan_zip(tmp_path, files)).values()) == {"cats"}


def test_deeper_folders_belong_to_the_label(tmp_path: Path) -> None:
    labels = found(scan_zip(tmp_path, CATS | DOGS | {"dogs/summer/2024/x.png": picture(50)}))
    assert labels["dogs/summer/2024/x.png"] == "dogs"


def test_clutter_and_notes_at_the_top_are_passed_over(tmp_path: Path) -> None:
    clutter = {
        ".DS_Store": b"x",
        "__MACOSX/set/cats/._0.png": b"x",
        "set/Thumbs.db": b"x",
        "set/cats/desktop.ini": b"x",
        "set/cats/.hidden.png": picture(60),
        "set/.ipynb_checkpoints/0.png": picture(61),
        "set/notes.txt": b"hello",
        "set/labels.csv": b"a,b",
        "README.md": b"# mine",
        "set/empty/": b"",
    }
    results = scan_zip(tmp_path, {f"set/{name}": data for name, data in (CATS | DOGS).items()} | clutter)
    assert len(results) == 6
    assert not rejected(results)


def test_files_that_are_no_use_are_rejected_each_with_its_reason(tmp_path: Path) -> None:
    whole = picture(1, "JPEG", (80, 80))
    bad = {
        "cats/zero.jpg": (b"", Reason.EMPTY),
        "cats/notes.txt": (b"a note inside a label folder", Reason.NOT_A_PICTURE),
        "cats/page.png": (b"<html>404</html>", Reason.NOT_A_PICTURE),
        "cats/cut.jpg": (whole[: len(whole) // 2], Reason.TRUNCATED),
        "cats/dot.png": (picture(size=(1, 1)), Reason.TOO_SMALL),
        "cats/thin.png": (picture(size=(100, 7)), Reason.TOO_SMALL),
        "cats/more.zip": (b"PK\x03\x04" + bytes(40), Reason.FORMAT),
        "loose.png": (picture(70), Reason.NO_LABEL),
        "../evil.png": (picture(71), Reason.UNSAFE_NAME),
        "cats/../../evil.png": (picture(71), Reason.UNSAFE_NAME),
        "/etc/evil.png": (picture(71), Reason.UNSAFE_NAME),
        "C:/evil.png": (picture(71), Reason.UNSAFE_NAME),
        "cats\\evil.png": (picture(71), Reason.UNSAFE_NAME),
        "cats/two\nlines.png": (picture(71), Reason.UNSAFE_NAME),
        "c" * 300 + "/x.png": (picture(71), Reason.UNSAFE_NAME),
        "cats/" + "x" * 1100 + ".png": (picture(71), Reason.UNSAFE_NAME),
    }
    results = scan_zip(tmp_path, CATS | DOGS | {name: data for name, (data, _) in bad.items()})
    assert len(found(results)) == 6
    reasons = [result for result in results if isinstance(result, Rejected)]
    assert [result.code for result in reasons] == [code for _, code in bad.values()]
    for result in reasons:
        assert result.reason.endswith(".")
        assert len(result.reason) <= 500
        assert len(result.name) <= 1000
        assert result.name.isprintable()


def test_a_name_with_a_nul_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "upload.zip", CATS | {"cats/evil_.png": picture(1)})
    path.write_bytes(path.read_bytes().replace(b"evil_.png", b"evil\0.png"))
    assert rejected(list(scan_archive(path))) == {"cats/evil\ufffd.png": Reason.UNSAFE_NAME}


def test_the_second_file_of_one_name_is_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "upload.zip", CATS)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("cats/0.png", picture(99))
    assert rejected(list(scan_archive(path))) == {"cats/0.png": Reason.SAME_NAME}


def test_exact_duplicates_are_kept(tmp_path: Path) -> None:
    results = scan_zip(
        tmp_path, {"cats/a.png": picture(1), "cats/b.png": picture(1), "dogs/c.png": picture(1)}
    )
    assert len(found(results)) == 3


def test_names_in_any_script_are_read(tmp_path: Path) -> None:
    labels = found(
        scan_zip(tmp_path, {"été & papier/naïve – 箱.png": picture(1), "кошки/один.png": picture(2)})
    )
    assert labels == {"été & papier/naïve – 箱.png": "été & papier", "кошки/один.png": "кошки"}


def test_utf8_names_without_the_flag_are_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "upload.zip", {"XXXXXXXXXX/1.png": picture(1)})
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXXXX", "кошки".encode()))
    assert set(found(list(scan_archive(path))).values()) == {"кошки"}


def test_old_dos_names_are_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "upload.zip", {"XXX/1.png": picture(1)})
    path.write_bytes(path.read_bytes().replace(b"XXX", "été".encode("cp437")))
    assert set(found(list(scan_archive(path))).values()) == {"été"}


def test_the_two_ways_to_write_an_accent_are_one_label(tmp_path: Path) -> None:
    labels = found(
        scan_zip(tmp_path, {"\u00e9t\u00e9/1.png": picture(1), "e\u0301te\u0301/2.png": picture(2)})
    )
    assert set(labels.values()) == {"\u00e9t\u00e9"}


def test_memory_holds_one_file_at_a_time(tmp_path: Path) -> None:
    files = {f"cats/{i}.bmp": encoded(noise(i, (600, 600)), "BMP") for i in range(20)}
    path = make_zip(tmp_path / "upload.zip", files, zipfile.ZIP_STORED)
    one = len(files["cats/0.bmp"])
    del files
    tracemalloc.start()
    try:
        assert sum(1 for _ in scan_archive(path)) == 20
        assert tracemalloc.get_traced_memory()[1] < 6 * one
    finally:
        tracemalloc.stop()


def test_a_folder_is_scanned_like_an_archive(tmp_path: Path) -> None:
    files = CATS | DOGS | {"dogs/bad.jpg": b"text here", "loose.png": picture(5), "notes.txt": b"x"}
    for name, data in files.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    results = list(scan_folder(tmp_path / "set"))
    assert found(results) == {name: name.split("/")[0] for name in CATS | DOGS}
    assert rejected(results) == {"dogs/bad.jpg": Reason.NOT_A_PICTURE, "loose.png": Reason.NO_LABEL}
    assert len(results) == count_folder(tmp_path / "set")
    assert list(scan(tmp_path / "set")) == results
    assert found(list(scan(make_zip(tmp_path / "set.zip", files)))) == found(results)


def test_a_folder_that_leads_in_circles_ends_and_its_links_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_bytes(picture(1))
    (tmp_path / "cats" / "again").symlink_to(tmp_path)
    (tmp_path / "cats" / "lost.png").symlink_to(tmp_path / "nowhere")
    results = list(scan_folder(tmp_path))
    assert list(found(results)) == ["cats/1.png"]
    assert rejected(results) == {"cats/again": Reason.LINK, "cats/lost.png": Reason.DAMAGED}


def test_a_large_file_in_a_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_bytes(picture(1))
    (tmp_path / "cats" / "2.bmp").write_bytes(bytes(2 * 1024**2))
    results = list(scan_folder(tmp_path, limits=Limits(max_file_bytes=1024**2)))
    assert rejected(results) == {"cats/2.bmp": Reason.TOO_LARGE}


def test_a_missing_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        list(scan_folder(tmp_path / "none"))


def test_an_archive_without_a_usable_picture_is_refused_with_reasons(tmp_path: Path) -> None:
    path = make_zip(
        tmp_path / "upload.zip", {"notes/a.txt": b"one", "notes/b.txt": b"two", "../c.png": picture()}
    )
    with pytest.raises(ArchiveError, match=r"None of the 3 files .* notes/a\.txt: This is text"):
        list(scan_archive(path))
    assert [file.name for file in tmp_path.iterdir()] == ["upload.zip"]


def test_the_site_can_use_it_without_torch() -> None:
    code = (
        "import sys, search_engine.data.scan, search_engine.data.split, search_engine.data.manifest,"
        " search_engine.export.predict; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
