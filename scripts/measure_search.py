"""What a search is worth: its winner against that of a random search of as many networks, on a test set.

    python -m scripts.measure_search signdigits-train.zip signdigits-test.zip results.jsonl --space cells

Both search the same space with as many networks, trained alike, from the same seeds; each opens the test set
once, for its winner. Results are added to the file, and what is in it already is not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONTROL = "random"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="zip or folder: one folder per label")
    parser.add_argument("test", type=Path, help="the same, for the winners alone")
    parser.add_argument("results", type=Path, help="JSON lines; added to")
    parser.add_argument("--space", default="hybrid")
    parser.add_argument("--strategy", default="auto", help="against random")
    parser.add_argument("--fidelity", default="full", help="of both")
    parser.add_argument("--trials", type=int, default=60, help="networks of each search")
    parser.add_argument("--minutes", type=float, default=20.0, help="of each search, at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for seed in options.seeds:
        for strategy in (options.strategy, CONTROL):
            if not any(matches(row, options, strategy, seed) for row in read(options.results)):
                row = search(options, strategy, seed)
                with options.results.open("a") as out:
                    out.write(json.dumps(row) + "\n")
    report(options)


def search(options: argparse.Namespace, strategy: str, seed: int) -> dict[str, Any]:
    """One search on one slot, without an arm of its own for comparison."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "search_engine", "fit", str(options.train.resolve())),
                *("--test", str(options.test.resolve()), "--out", str(Path(folder, "bundle")), "--json"),
                *("--space", options.space, "--strategy", strategy, "--fidelity", options.fidelity),
                *("--trials", str(options.trials), "--minutes", str(options.minutes), "--seed", str(seed)),
                *("--random-share", "0", "--slots", "1"),
            ],
            cwd=ROOT,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        )
    said = json.loads(done.stdout.splitlines()[-1])
    return {
        "space": options.space,
        "strategy": strategy,
        "fidelity": options.fidelity,
        "asked": options.trials,
        "seed": seed,
        "networks": said["trials"],
        "validation": said["validation"]["accuracy"],
        "test": said["test"]["accuracy"],
        "pictures": said["test"]["n"],
        "seconds": said["seconds"],
        "kind": said["winner"]["kind"],
        "probe": said["controls"].get("linear_probe"),
    }


def matches(row: dict[str, Any], options: argparse.Namespace, strategy: str, seed: int) -> bool:
    wanted = (options.space, strategy, options.fidelity, options.trials, seed)
    return (row["space"], row["strategy"], row["fidelity"], row["asked"], row["seed"]) == wanted


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def report(options: argparse.Namespace) -> None:
    """A row a search, and the mean difference with its standard error over the seeds."""
    rows = read(options.results)
    say("| space | seed | strategy | networks | seconds | validation | test |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    gains = []
    for seed in options.seeds:
        ours, control = (
            next(row for row in rows if matches(row, options, strategy, seed))
            for strategy in (options.strategy, CONTROL)
        )
        gains.append(100 * (ours["test"] - control["test"]))
        for row in (ours, control):
            say(
                f"| {row['space']} | {seed} | {row['strategy']} | {row['networks']} | {row['seconds']:.0f} "
                f"| {100 * row['validation']:.1f} | {100 * row['test']:.1f} |"
            )
    error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    say(f"\nSearch minus random, points of test accuracy: {fmean(gains):+.1f}, standard error {error:.1f}.")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
