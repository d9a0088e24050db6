from __future__ import annotations

from pathlib import Path

import pytest

from search_engine.errors import SealError
from search_engine.evaluate.seal import break_seal


def test_the_test_pictures_are_opened_for_one_network_only(tmp_path: Path) -> None:
    break_seal(tmp_path, "one")
    with pytest.raises(SealError, match="already opened"):
        break_seal(tmp_path, "another")


def test_a_finish_that_died_may_be_repeated_for_the_same_network(tmp_path: Path) -> None:
    break_seal(tmp_path, "one")
    break_seal(tmp_path, "one")
    assert (tmp_path / "test-opened-for").read_text() == "one"
