from __future__ import annotations

from pathlib import Path

import pytest

from search_engine.errors import SealError
from search_engine.evaluate.seal import SEAL, break_seal


def test_the_test_pictures_are_opened_for_one_network_only(tmp_path: Path) -> None:
    break_seal(tmp_path, "one")
    with pytest.raises(SealError, match="already opened"):
        break_seal(tmp_path, "another")


def test_a_finish_that_died_may_be_repeated_for_the_same_network(tmp_path: Path) -> None:
    assert break_seal(tmp_path, "one") == 1
    assert break_seal(tmp_path, "one") == 1
    assert (tmp_path / SEAL).read_text() == "one"


def test_a_process_that_died_before_it_opened_anything_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / SEAL).touch()
    break_seal(tmp_path, "one")
    with pytest.raises(SealError, match="already opened"):
        break_seal(tmp_path, "another")


def test_each_round_of_a_continued_search_opens_them_once_and_openings_are_counted(tmp_path: Path) -> None:
    assert break_seal(tmp_path, "one") == 1
    assert break_seal(tmp_path, "another", search_round=1) == 2
    for search_round in (0, 1):
        with pytest.raises(SealError, match="already opened"):
            break_seal(tmp_path, "a third", search_round=search_round)
    assert break_seal(tmp_path, "another", search_round=1) == 2


def test_a_round_that_opened_nothing_is_not_counted(tmp_path: Path) -> None:
    break_seal(tmp_path, "one")
    assert break_seal(tmp_path, "one", search_round=3) == 2
