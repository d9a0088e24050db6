"""Settings that follow from one another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SAY = "from webapp import settings; print(settings.SLOTS, settings.TRAINERS)"


@pytest.mark.parametrize(("slots", "here"), [(1000, len(os.sched_getaffinity(0))), (1, 1), (0, 1)])
def test_slots_beyond_the_cores_are_left_to_other_machines(slots: int, here: int, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SAY],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), "SLOTS": str(slots)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [str(slots), str(here)]
