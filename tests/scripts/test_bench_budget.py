"""The benchmark of kept budgets: what it draws and what it says."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from scripts.bench_budget import draw, table


def test_drawn_set_has_all_labels_in_equal_parts(tmp_path: Path) -> None:
    draw(tmp_path / "drawn.zip", 20, 32)
    names = zipfile.ZipFile(tmp_path / "drawn.zip").namelist()
    labels = [name.split("/")[0] for name in names]
    assert len(set(names)) == 20
    assert {labels.count(label) for label in labels} == {4}


def test_table_says_who_took_too_long_and_who_failed() -> None:
    rows: list[dict[str, Any]] = [
        {"pictures": 100, "minutes": 2.0, "seconds": 133.0, "networks": 9, "accuracy": 0.9},
        {"pictures": 100, "minutes": 1.0, "seconds": 65.0, "networks": 3, "accuracy": 0.8},
        {"pictures": 60_000, "minutes": 1.0, "seconds": 5.0, "error": "no"},
    ]
    _, _, first, second, third = table(rows).splitlines()
    assert first == "| 100 | 1 | 65 | 108% | yes | 3 | 0.800 |"
    assert "| **no** | 9 |" in second
    assert "| **no** | no |" in third
