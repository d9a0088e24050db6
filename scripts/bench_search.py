"""The table of ``make bench-search``: every strategy on the three tables of NAS-Bench-201, as Markdown."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATASETS = ("cifar10", "cifar100", "imagenet16-120")
STRATEGIES = ("random", "reinforce", "evolution", "predictor", "local", "auto")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        for dataset in DATASETS:
            table = Path(folder, f"{dataset}.json")
            _python("scripts/convert_nas_bench_201.py", dataset, str(table))
            say(f"\n{dataset}, validation accuracy, mean of {options.seeds} searches\n")
            for number, strategy in enumerate(STRATEGIES):
                row = bench(table, strategy, options)
                if number == 0:
                    heads = [
                        "strategy",
                        *(f"after {n}" for n in row["mean"]),
                        "median to within 0.1",
                        "seconds",
                    ]
                    say(f"| {' | '.join(heads)} |\n| {' | '.join('---' for _ in heads)} |")
                cells = [strategy, *(f"{mean:.2f}" for mean in row["mean"].values())]
                arrived = row["median_evaluations"]
                cells += ["-" if arrived is None else f"{arrived:g}", f"{row['seconds']:.0f}"]
                say(f"| {' | '.join(cells)} |")


def bench(table: Path, strategy: str, options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of one strategy."""
    limits = ["--evaluations", str(options.evaluations), "--seeds", str(options.seeds)]
    said = _python("-m", "search_engine", "bench", str(table), "--strategy", strategy, *limits, "--json")
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _python(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


if __name__ == "__main__":
    main()
