"""What people upload by mistake: each gets a sentence that says what to do, and nothing is left half made."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pictures import encoded, picture, write_zip
from tests.browser.steps import IMPORT_MS, Site, upload


def png(number: int, digit: int = 0) -> bytes:
    return encoded(picture(digit, number), "PNG")


def empty(path: Path) -> Path:
    return write_zip(path, {})


def of_text_files(path: Path) -> Path:
    return write_zip(path, {"cats/a.txt": b"a cat", "dogs/b.txt": b"a dog"})


def truncated(path: Path) -> Path:
    write_zip(path, {f"{label}/{n}.png": png(n) for label in ("cats", "dogs") for n in range(20)})
    path.write_bytes(path.read_bytes()[:-400])
    return path


def no_zip(path: Path) -> Path:
    path.write_bytes(b"These are my pictures.")
    return path


def one_class(path: Path) -> Path:
    return write_zip(path, {f"cats/{n}.png": png(n) for n in range(20)})


def two_pictures(path: Path) -> Path:
    return write_zip(path, {"cats/1.png": png(1), "dogs/2.png": png(2)})


def files_under(site: Site) -> set[str]:
    """Everything about pictures that is on the disk."""
    folders = ("uploads", "tmp", "datasets")
    return {
        str(path.relative_to(site.launched.data_dir))
        for folder in folders
        for path in (site.launched.data_dir / folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(empty, ["no pictures|empty", "folder|Make the zip"], id="empty zip"),
        pytest.param(of_text_files, ["is a picture that can be used"], id="zip of text files"),
        pytest.param(truncated, ["cut off", "Upload it again"], id="truncated zip"),
        pytest.param(no_zip, ["not a zip", "compress"], id="no zip at all"),
    ],
)
def test_file_that_holds_nothing_usable(
    page: Page, site: Site, tmp_path: Path, make: Callable[[Path], Path], says: list[str]
) -> None:
    before = files_under(site)
    upload(page, "Mistake", make(tmp_path / "mistake.zip"))

    alert = page.get_by_role("alert").filter(has_text="mistake.zip could not be imported.")
    expect(alert).to_be_visible(timeout=IMPORT_MS)
    for sentence in says:
        expect(alert).to_contain_text(re.compile(sentence))
    expect(alert).to_contain_text("Nothing of it was kept")
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    expect(page.get_by_role("button", name="Train")).to_have_count(0)
    assert files_under(site) == before


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(one_class, "only one label", id="one class only"),
        pytest.param(two_pictures, "too few|at least", id="two pictures"),
    ],
)
def test_a_set_that_is_not_complete_yet_is_kept_and_training_says_what_is_missing(
    page: Page, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    upload(page, "Unfinished", make(tmp_path / "unfinished.zip"))
    expect(page.get_by_role("link", name="Versions")).to_be_visible(timeout=IMPORT_MS)
    page.get_by_role("button", name="Train").first.click()
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("alert").first).to_contain_text(re.compile(says))


def test_name_that_points_outside_is_refused_and_the_rest_is_kept(
    page: Page, site: Site, tmp_path: Path
) -> None:
    files = {
        f"{label}/{n}.png": png(n, digit) for digit, label in enumerate(("cats", "dogs")) for n in range(10)
    }
    upload(page, "Evil", write_zip(tmp_path / "evil.zip", {**files, "../evil.png": png(9)}))
    expect(page.get_by_text("20 pictures ·")).to_be_visible(timeout=IMPORT_MS)

    page.get_by_role("link", name="Rejected files").click()
    row = page.get_by_role("row").filter(has_text="../evil.png")
    expect(row).to_be_visible()
    expect(row.get_by_role("cell")).to_have_text(re.compile(r"\w+ .*\."))
    assert not list(site.launched.data_dir.parent.rglob("evil.png"))
