"""The tables of ``make bench-search``: every strategy on the three tables of NAS-Bench-201, as Markdown.

Beside each strategy the figures of simple reference versions (200 searches; "-": not measured), then
evolution on short trainings (simulated, see ``blur_nas_bench_201.py``) beside evolution on full ones.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STRATEGIES = ("random", "reinforce", "evolution", "predictor", "local", "tpe", "auto")
CHECKPOINTS = ("10", "20", "50", "100", "200", "500")
REFERENCE: dict[str, dict[str, str]] = {
    "cifar10": {
        "random": "89.98 90.38 90.74 90.96 91.14 91.29 -",
        "reinforce": "90.01 90.48 90.91 91.20 91.46 91.55 168",
        "evolution": "89.88 90.35 91.00 91.42 91.53 91.58 95",
        "predictor": "89.88 90.44 91.21 91.49 91.57 - 72",
        "local": "89.79 90.56 91.30 91.47 91.55 91.59 63",
    },
    "cifar100": {
        "random": "69.72 70.26 70.89 71.27 71.82 72.31 -",
        "reinforce": "69.69 70.49 71.47 72.22 73.10 73.24 215",
        "evolution": "69.54 70.25 71.68 72.70 73.15 73.29 206",
        "predictor": "69.54 70.46 72.01 73.08 73.30 - 102",
        "local": "69.33 70.71 72.13 72.93 73.29 73.32 160",
    },
    "imagenet16-120": {
        "random": "43.35 44.06 44.82 45.27 45.52 45.93 -",
        "reinforce": "43.33 44.43 45.46 45.89 46.14 46.13 -",
        "evolution": "42.83 43.88 45.44 46.07 46.32 46.26 -",
        "predictor": "42.83 44.25 45.76 46.20 46.29 - -",
        "local": "42.58 44.39 45.65 46.05 46.28 46.28 -",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        for dataset, reference in REFERENCE.items():
            table = Path(folder, f"{dataset}.json")
            _python("scripts/convert_nas_bench_201.py", dataset, str(table))
            say(f"\n{dataset}, validation accuracy, mean of {options.seeds} searches\n")
            one_fidelity(table, reference, options)
        say(f"\nTwo fidelities, short trainings simulated, mean of {options.seeds} searches\n")
        row("data set", "2,000 epochs, short and full", "2,000, full only", "16,000, full only", head=True)
        for dataset in REFERENCE:
            table = Path(folder, f"{dataset}-2.json")
            _python("scripts/blur_nas_bench_201.py", dataset, str(table))
            runs = [("2000", "halving"), ("2000", "none"), ("16000", "none")]
            row(dataset, *(f"{costs(table, *run, options):.2f}" for run in runs))


def one_fidelity(table: Path, reference: dict[str, str], options: argparse.Namespace) -> None:
    """One row a strategy, and one for its reference."""
    checkpoints = [n for n in CHECKPOINTS if int(n) <= options.evaluations]
    row("strategy", *(f"after {n}" for n in checkpoints), "median to within 0.1", "seconds", head=True)
    for strategy in options.strategies:
        limits = ["--evaluations", str(options.evaluations), "--seeds", str(options.seeds)]
        said = bench(table, "--strategy", strategy, *limits)
        arrived = said["median_evaluations"]
        median = "-" if arrived is None else f"{arrived:g}"
        row(strategy, *(f"{said['mean'][n]:.2f}" for n in checkpoints), median, f"{said['seconds']:.0f}")
        if strategy in reference:
            *means, median = reference[strategy].split()
            row("(reference)", *means[: len(checkpoints)], median, "")


def costs(table: Path, budget: str, scheduler: str, options: argparse.Namespace) -> float:
    """Mean truth of evolution's winners within a budget of epochs."""
    limits = ["--cost-budget", budget, "--scheduler", scheduler, "--seeds", str(options.seeds)]
    return float(bench(table, "--strategy", "evolution", *limits)["score"])


def bench(table: Path, *arguments: str) -> dict[str, Any]:
    """What the command line says."""
    said = _python("-m", "search_engine", "bench", str(table), *arguments, "--json")
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


def row(*cells: str, head: bool = False) -> None:
    say(f"| {' | '.join(cells)} |")
    if head:
        say(f"| {' | '.join('---' for _ in cells)} |")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _python(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


if __name__ == "__main__":
    main()
