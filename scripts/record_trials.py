"""Train networks of a space as a search does, and write down their curves: what the measurements stand on.

    python -m scripts.record_trials signdigits-train.zip out.jsonl --space hybrid --networks 32

One JSON object a line; the first tells of the run, the others of a network each. ``measure_curves.py`` and
``measure_proxies.py`` read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

import torch

from search_engine.commands import Open, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.errors import TrialFailed
from search_engine.events import EpochDone, Message
from search_engine.proposing import space_of
from search_engine.search import trial_seed
from search_engine.session import Session
from search_engine.space.registry import SPACES
from search_engine.strategies import STRATEGIES
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState

SLACK = (
    5.0  # expected seconds of a network that it may take before its schedule is cut: a cut one says nothing
)


class Curves:
    """An event sink that keeps validation accuracies by trial."""

    def __init__(self) -> None:
        self.of: dict[int, list[float]] = {}

    def emit(self, event: Message) -> None:
        if isinstance(event, EpochDone):
            self.of.setdefault(event.number, []).append(event.accuracy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="zip or folder: one folder per label")
    parser.add_argument("out", type=Path, help="JSON lines")
    parser.add_argument("--space", choices=list(SPACES), default="cells")
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), default="random")
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=4.0, help="budget that the plan is made for")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="netwright-") as scratch, options.out.open("w") as out:
        work = Path(scratch)
        pictures = gather(options.train, work / "pictures", on_file=lambda _: None)
        manifest = make_manifest(pictures, None, work / "pictures", seed=options.seed)
        write_manifest(manifest, work / "manifest.jsonl")
        config = SearchConfig(
            budget_seconds=60.0 * options.minutes,
            seed=options.seed,
            space=options.space,
            strategy=options.strategy,
            slots=1,
            max_trials=options.networks,
        )
        record(config, work, out)


def record(config: SearchConfig, work: Path, out: TextIO) -> None:
    """Plan, prepare, and train ``max_trials`` networks one after the other."""
    curves = Curves()
    where = Open(
        manifest=str(work / "manifest.jsonl"),
        cache=str(work / "cache"),
        run=str(work / "run"),
        seed=config.seed,
    )
    session = Session(where, curves, lambda: False)
    plan = session.measure(config)
    session.prepare(plan)
    validation = session.opened().counts["validation"]
    write(out, {"plan": plan.to_dict(), "config": config.to_dict(), "validation": validation})
    trials: list[Trial] = []
    while len(trials) < (config.max_trials or 0):
        proposal = propose(config, plan, trials)
        command = train_command(config, plan, proposal, len(trials))
        started = time.monotonic()
        try:
            accuracy: float | None = session.train(command).accuracy
        except TrialFailed:
            accuracy = None
        line = {
            "number": command.number,
            "genome": command.genome,
            "accuracy": accuracy,
            "curve": curves.of.get(command.number, []),
            "seconds": time.monotonic() - started,
        }
        write(out, line)
        trials.append(as_trial(config, plan, proposal, command.number, accuracy=accuracy))


def propose(config: SearchConfig, plan: Plan, trials: list[Trial]) -> Proposal:
    """What the strategy wants next."""
    strategy = STRATEGIES[config.strategy](space_of(config, plan), config.seed, config.max_trials)
    strategy.update(completed=trials, active=[])
    return strategy.suggest(1)[0]


def train_command(config: SearchConfig, plan: Plan, proposal: Proposal, number: int) -> Train:
    """The order to train a proposal, as a search gives it."""
    return Train(
        number=number,
        kind=Kind.NETWORK.value,
        genome=space_of(config, plan).decode(proposal.vector).to_dict(),
        seed=trial_seed(config.seed, number),
        epochs=plan.epochs,
        seconds=SLACK * plan.trial_seconds,
    )


def as_trial(
    config: SearchConfig, plan: Plan, proposal: Proposal, number: int, *, accuracy: float | None
) -> Trial:
    """What the strategy is told of it."""
    return Trial(
        number=number,
        kind=Kind.NETWORK,
        origin=Origin.STRATEGY,
        state=TrialState.FAILED if accuracy is None else TrialState.FINISHED,
        vector=proposal.vector,
        key=space_of(config, plan).key(proposal.vector),
        parent=proposal.parent,
        reward=accuracy,
    )


def write(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()
    if "number" in line:
        sys.stderr.write(f"{line['number']:3d} {line['accuracy']} in {line['seconds']:.1f} s\n")


if __name__ == "__main__":
    main()
