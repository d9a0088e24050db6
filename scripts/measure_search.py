"""What a search is worth: its winner against that of its own random arm, on a test set.

    python -m scripts.measure_search signdigits-train.zip signdigits-test.zip results.jsonl --space cells

Half of the training goes to networks drawn at random, so both arms cost the same, in one search, on the same
machine, at the same time. The best of either by validation is fitted again on all pictures and tested once,
so no choice is made by a test figure. Results are added to the file; what is in it is not run again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from search_engine.commands import Export, Open, Refit
from search_engine.config import SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.errors import TrialFailed
from search_engine.events import Message
from search_engine.families import rungs
from search_engine.fidelity import SCHEDULERS
from search_engine.ledger import Entry, Ledger
from search_engine.runner import LocalSearch
from search_engine.search import trial_seed
from search_engine.session import Session
from search_engine.trial import Kind, Origin

ARMS = (Origin.STRATEGY, Origin.RANDOM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="zip or folder: one folder per label")
    parser.add_argument("test", type=Path, help="the same, for the winners alone")
    parser.add_argument("results", type=Path, help="JSON lines; added to")
    parser.add_argument("--space", default="hybrid")
    parser.add_argument("--strategy", default="auto")
    parser.add_argument(
        "--fidelity", choices=("full", *SCHEDULERS), default="full", help="of the search's arm"
    )
    parser.add_argument("--trials", type=int, default=60, help="networks of both arms")
    parser.add_argument("--max-parameters", type=int, help="a bound; small networks train quickly")
    parser.add_argument("--minutes", type=float, default=30.0, help="of each search, at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for seed in options.seeds:
        if not any(matches(row, options, seed) for row in read(options.results)):
            row = measure(options, seed)
            with options.results.open("a") as out:
                out.write(json.dumps(row) + "\n")
    report(options)


def measure(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One search on one slot, and the test of both arms' best."""
    config = SearchConfig(
        budget_seconds=60.0 * options.minutes,
        seed=seed,
        space=options.space,
        strategy=options.strategy,
        fidelity=options.fidelity,
        random_share=0.5,
        max_trials=options.trials,
        max_parameters=options.max_parameters,
        ensemble=False,
    )
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        work = Path(folder)
        pictures = [gather(path, work / "pictures", on_file=_quiet) for path in (options.train, options.test)]
        write_manifest(make_manifest(*pictures, work / "pictures", seed=seed), work / "manifest.jsonl")
        search = LocalSearch(
            config, work / "manifest.jsonl", cache=work / "cache", run=work / "run", device="cpu", say=say
        )
        outcome = search.run(title="measured")
        return {
            **described(options, seed),
            "networks": outcome.networks,
            "probe": outcome.controls.get("linear_probe"),
            "arms": {arm.value: test_of(arm, outcome.ledger, work) for arm in ARMS},
        }


def test_of(arm: Origin, ledger: Ledger, work: Path) -> dict[str, Any]:
    """The best of an arm by validation, fitted again on all pictures and tested."""
    top = len(rungs(ledger.config, ledger.plan)) - 1
    tried = [
        e for e in ledger.entries if e.kind == Kind.NETWORK and e.origin == arm and e.accuracy is not None
    ]
    best = max((e for e in tried if e.rung == top), key=lambda e: (e.accuracy or 0.0, -e.number))
    run = work / f"run-{arm.value}"
    shutil.copytree(work / "run" / "trials", run / "trials")  # a folder of its own, and so a seal of its own
    session = Session(
        Open(
            manifest=str(work / "manifest.jsonl"),
            cache=str(work / "cache"),
            run=str(run),
            seed=ledger.config.seed,
            device="cpu",
        ),
        Silence(),
        lambda: False,
    )
    session.prepare(ledger.plan)
    card = session.export(final_export(best, refitted(best, ledger, session), run)).model
    return {
        "number": best.number,
        "tried": len(tried),
        "seconds": round(sum(e.seconds or 0.0 for e in tried), 1),
        "validation": best.accuracy,
        "test": card["test"]["accuracy"],
        "pictures": card["test"]["n"],
    }


def refitted(best: Entry, ledger: Ledger, session: Session) -> int:
    """Train a trial again on all pictures; the number under which its better weights lie."""
    again = Refit(
        number=len(ledger.entries),
        source=best.number,
        kind=best.kind,
        genome=best.genome,
        seed=trial_seed(ledger.config.seed, best.number),
        epochs=best.epochs or ledger.plan.epochs,
        seconds=10.0 * (best.seconds or 60.0),
    )
    try:
        return session.refit(again).number
    except TrialFailed as failure:
        say(str(failure))
        return best.number


def final_export(best: Entry, weights: int, run: Path) -> Export:
    """The order to open the test split for a trial."""
    part = {"number": best.number, "kind": best.kind, "genome": best.genome, "latency_ms": best.latency_ms}
    return Export(
        number=best.number,
        parts=[part | {"weights": weights, "share": 1.0}],
        final=True,
        out=str(run / "bundle"),
        title="measured",
    )


@dataclass(frozen=True, slots=True)
class Silence:
    """An event sink that forgets."""

    def emit(self, event: Message) -> None:
        """Nothing."""


def described(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """What was asked for."""
    return {
        "space": options.space,
        "strategy": options.strategy,
        "fidelity": options.fidelity,
        "asked": options.trials,
        "max_parameters": options.max_parameters,
        "seed": seed,
    }


def matches(row: dict[str, Any], options: argparse.Namespace, seed: int) -> bool:
    wanted = described(options, seed)
    return {name: row.get(name) for name in wanted} == wanted


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def report(options: argparse.Namespace) -> None:
    """A row an arm, and the mean difference with its standard error over the seeds."""
    rows = [next(row for row in read(options.results) if matches(row, options, s)) for s in options.seeds]
    say("| space | seed | arm | networks | seconds | validation | test |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        for arm in ARMS:
            best = row["arms"][arm.value]
            say(
                f"| {row['space']} | {row['seed']} | {arm.value} | {best['tried']} | {best['seconds']:.0f} "
                f"| {100 * best['validation']:.1f} | {100 * best['test']:.1f} |"
            )
    gains = [100 * (row["arms"]["strategy"]["test"] - row["arms"]["random"]["test"]) for row in rows]
    error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    say(f"\nSearch minus random, points of test accuracy: {fmean(gains):+.1f}, standard error {error:.1f}.")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _quiet(_: object) -> None:
    """Files are not told of one by one."""


if __name__ == "__main__":
    main()
