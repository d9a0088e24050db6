"""What early kill would have saved and lost in searches that ran to the end (``record_trials.py``).

Every recorded trial was trained in full, so it is known what each kill would have cost. The trials are
replayed in many random orders, for one order holds only a few trials that become the best. One row a rule:
that of ``should_kill``, and a fixed chance of 5 %, which it was chosen over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from search_engine.fidelity.curves import EARLIEST, THRESHOLD, chance_to_beat, should_kill

Curve = list[float]
Rule = Callable[[Curve, int, float, list[Curve]], bool]


def fixed(curve: Curve, epochs: int, incumbent: float, finished: list[Curve]) -> bool:
    """Kill below a chance of 5 %, however many trials there were."""
    late = EARLIEST * epochs <= len(curve) < epochs
    return late and chance_to_beat(curve, epochs, incumbent, finished) < THRESHOLD


RULES: dict[str, Rule] = {"should_kill": should_kill, "fixed 5 %": fixed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path, nargs="+", help="of one search each")
    parser.add_argument("--orders", type=int, default=50, help="random orders to replay (default: 50)")
    options = parser.parse_args()
    say("| search | trials | rule | winners lost | kills that were wrong | epochs saved |")
    say("| --- | --- | --- | --- | --- | --- |")
    for path in options.recordings:
        curves = read(path)
        for name, rule in RULES.items():
            tally: Counter[str] = Counter()
            for seed in range(options.orders):
                tally += replay(
                    [curves[i] for i in np.random.default_rng(seed).permutation(len(curves))], rule
                )
            row = (
                path.stem,
                len(curves),
                name,
                share(tally["winners killed"], tally["winners"]),
                share(tally["winners killed"], tally["killed"]),
                share(tally["epochs saved"], tally["epochs"]),
            )
            say(f"| {' | '.join(map(str, row))} |")


def read(path: Path) -> list[Curve]:
    """The curves of the trials that finished."""
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [line["curve"] for line in lines if line["accuracy"] is not None]


def replay(curves: list[Curve], rule: Rule) -> Counter[str]:
    """Counts of one search: the killed leave no curve behind and never become the incumbent."""
    tally: Counter[str] = Counter()
    finished: list[Curve] = []
    best = 0.0
    for curve in curves:
        wins, epochs = curve[-1] > best, len(curve)
        killed = next((k for k in range(1, epochs) if rule(curve[:k], epochs, best, finished)), None)
        tally["epochs"] += epochs
        tally["winners"] += wins
        if killed is None:
            finished.append(curve)
            best = max(best, curve[-1])
        else:
            tally["killed"] += 1
            tally["winners killed"] += wins
            tally["epochs saved"] += epochs - killed
    return tally


def share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part} of {whole})" if whole else "none"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
