"""Whether size foretells accuracy: rank correlations over networks that were drawn at random and trained.

Reads what ``record_trials.py --strategy random`` wrote. The interval is a bootstrap over networks, of the
correlation of the rank sum. The last column is what choosing by it gives: the mean accuracy of the pick from
8 draws, less that of a draw, in points.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from search_engine.fidelity.prefilter import spearman
from search_engine.space.architecture import Genome
from search_engine.space.proxies import Proxies, proxies, rank_sum

CLASSES = 10  # as many as signdigits has; only a constant of the scores depends on it
DRAWS = 8
RESAMPLES = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path, nargs="+")
    options = parser.parse_args()
    say("| search | networks | parameters | MACs | synflow | rank sum | 90 % interval | pick of 8 |")
    say("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in options.recordings:
        networks = read(path)
        say_row(path.stem, networks)
        with_cells = [network for network in networks if network[0].repeats > 0]
        if 2 < len(with_cells) < len(networks):
            say_row(f"{path.stem}, with cells", with_cells)


def say_row(name: str, networks: list[tuple[Genome, float]]) -> None:
    """One row of the table."""
    scores = [proxies(genome, CLASSES) for genome, _ in networks]
    rewards = [reward for _, reward in networks]
    sums = rank_sum(scores)
    found = [f"{spearman(column, rewards):.2f}" for column in [*zip(*scores, strict=True), sums]]
    low, high = interval(sums, rewards)
    row = [name, str(len(rewards)), *found, f"{low:.2f} to {high:.2f}", f"{gain(scores, rewards):+.2f}"]
    say(f"| {' | '.join(row)} |")


def read(path: Path) -> list[tuple[Genome, float]]:
    """The networks that finished, and their accuracies."""
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [(Genome.from_dict(t["genome"]), t["accuracy"]) for t in lines if t["accuracy"] is not None]


def interval(first: list[float], second: list[float]) -> tuple[float, float]:
    """Of the rank correlation, 90 %."""
    rng, n = np.random.default_rng(0), len(first)
    found = []
    for _ in range(RESAMPLES):
        rows = rng.integers(n, size=n)
        found.append(spearman([first[i] for i in rows], [second[i] for i in rows]))
    found.sort()
    return found[RESAMPLES // 20], found[-RESAMPLES // 20]


def gain(scores: list[Proxies], rewards: list[float]) -> float:
    """Points of accuracy that the largest of some draws is above a draw."""
    rng, total = np.random.default_rng(0), 0.0
    for _ in range(RESAMPLES):
        rows = rng.permutation(len(rewards))[:DRAWS]
        sums = rank_sum([scores[i] for i in rows])
        total += rewards[rows[sums.index(max(sums))]]
    return 100.0 * (total / RESAMPLES - sum(rewards) / len(rewards))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
