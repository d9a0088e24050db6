"""Every strategy against the figures of simple reference versions, on results that others measured.

NAS-Bench-201, CIFAR-10, validation accuracy; an evaluation sees one training of two or three, the score is
their mean. About two minutes in all on one core. The figures are those of the reference to the last digit: a
strategy that misses one is to be improved, and the figure stays.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from search_engine.bench import bench
from search_engine.space.table import TableSpace, read_table

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 100
SECONDS = 60.0
pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Gate:
    """Mean of the best found after 100 and 200 evaluations, and the median number to within 0.1 of 91.61."""

    at_100: float
    at_200: float
    median: float


GATES = {
    "random": Gate(90.96, 91.14, float("inf")),
    "reinforce": Gate(91.20, 91.46, 168),
    "evolution": Gate(91.42, 91.53, 95),
    "predictor": Gate(91.49, 91.57, 72),
    "local": Gate(91.47, 91.55, 63),
}


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> TableSpace:
    """Through the script, as anybody would."""
    path = tmp_path_factory.mktemp("tables") / "cifar10.json"
    script = ROOT / "scripts" / "convert_nas_bench_201.py"
    subprocess.run([sys.executable, str(script), "cifar10", str(path)], check=True)
    return read_table(path)


def test_a_table_that_names_code_is_not_loaded() -> None:
    """The package's tables are pickles; a pickle can run anything unless nobody looks its names up."""
    attack = pickle.dumps(print)
    script = f"from convert_nas_bench_201 import load_plain; load_plain({attack!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "scripts", check=False, capture_output=True, text=True
    )
    assert "must be plain data" in done.stderr


def test_the_table_is_whole(cifar10: TableSpace) -> None:
    assert len(cifar10.truth) == 15625
    best = max(cifar10.truth, key=lambda vector: cifar10.truth[vector])
    assert best == (3, 3, 3, 1, 3, 2)
    assert cifar10.truth[best] == pytest.approx(91.61, abs=0.005)


@pytest.mark.parametrize("name", sorted(GATES))
def test_it_is_no_worse_than_the_reference(name: str, cifar10: TableSpace) -> None:
    gate = GATES[name]
    result = bench(cifar10, name, 200, SEEDS)
    assert round(result["mean"]["100"], 2) >= gate.at_100
    assert round(result["mean"]["200"], 2) >= gate.at_200
    arrived = result["median_evaluations"]
    assert (float("inf") if arrived is None else arrived) <= gate.median
    assert result["seconds"] < SECONDS


def test_the_command_line_says_the_same(cifar10: TableSpace, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    rewards = {cifar10.key(vector): values for vector, values in cifar10.full.rewards.items()}
    truth = {cifar10.key(vector): value for vector, value in cifar10.truth.items()}
    choices = [list(decision.choices) for decision in cifar10.decisions]
    path.write_text(json.dumps({"choices": choices, "rewards": rewards, "truth": truth}))
    command = ["bench", str(path), "--strategy", "local", "--evaluations", "60", "--seeds", "5", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "search_engine", *command],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    expected = bench(cifar10, "local", 60, 5)
    assert said | {"seconds": 0} == expected | {"seconds": 0}
    assert list(said["mean"]) == ["10", "20", "50"]
