"""A file that needs scrolling for minutes does more than one thing."""

from __future__ import annotations

from tests.architecture.sources import PACKAGES, python_files, shown

LONGEST = 400


def test_no_python_file_is_longer_than_it_should_be() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in python_files(*PACKAGES, "tests")}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
