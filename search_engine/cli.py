"""The command line: ``python -m search_engine --help``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_engine.bench import bench as run_bench
from search_engine.bench import bench_costs
from search_engine.config import SearchConfig
from search_engine.data.gather import Gathered, gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.errors import SearchEngineError
from search_engine.grammar import parser
from search_engine.ledger import read_ledger, step_as_dict, write_ledger
from search_engine.runner import LocalSearch, Outcome
from search_engine.space.architecture import Genome
from search_engine.space.table import read_table
from search_engine.suspects import SUSPECTS, write_suspects


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = parser().parse_args(arguments)
    commands = {"fit": fit, "predict": predict, "replay": replay, "bench": bench, "work": work}
    try:
        return commands[options.command](options)
    except SearchEngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def work(_: argparse.Namespace) -> int:
    """Serve the site; imports torch."""
    from search_engine.worker import main as serve

    serve()
    return 0


def replay(options: argparse.Namespace) -> int:
    """What a search would try next, as one JSON object."""
    print(json.dumps(step_as_dict(read_ledger(options.ledger).next_step()), ensure_ascii=False))
    return 0


def bench(options: argparse.Namespace) -> int:
    """How a strategy does on a table, as one JSON object."""
    table = read_table(options.table)
    if options.cost_budget is None:
        result = run_bench(table, options.strategy, options.evaluations, options.seeds)
    else:
        scheduler = None if options.scheduler == "none" else options.scheduler
        result = bench_costs(table, options.strategy, scheduler, options.cost_budget, options.seeds)
    print(json.dumps(result))
    return 0


def predict(options: argparse.Namespace) -> int:
    """The bundle's own script, from here."""
    from search_engine.export.infer_main import main as infer

    top = ["--top-k", str(options.top_k)] if options.top_k else []
    with _bundle_folder(options.bundle) as folder:
        return infer([*top, "--", *options.images], bundle=folder)


@contextmanager
def _bundle_folder(bundle: Path) -> Iterator[Path]:
    """The folder of a bundle; of a zip, as the site gives it, the files that matter are unpacked."""
    if not bundle.is_file():
        if not (bundle / "model.onnx").is_file():
            raise SearchEngineError(f"{bundle} is not a bundle: there is no model.onnx in it.")
        yield bundle
        return
    with tempfile.TemporaryDirectory(prefix="netwright-") as scratch:
        try:
            with zipfile.ZipFile(bundle) as archive:
                for name in ("model.onnx", "labels.json"):
                    Path(scratch, name).write_bytes(archive.read(name))
                if "model.json" in archive.namelist():
                    Path(scratch, "model.json").write_bytes(archive.read("model.json"))
        except (zipfile.BadZipFile, KeyError) as error:
            raise SearchEngineError(f"{bundle} is not a bundle: {error}.") from error
        yield Path(scratch)


def fit(options: argparse.Namespace) -> int:
    """Gather, search, export, report."""
    started = time.monotonic()
    if options.out.exists():
        raise SearchEngineError(f"{options.out} exists already. Choose a new folder for the bundle.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="netwright-") as scratch:
        work = Path(scratch)
        manifest = work / "manifest.jsonl"
        train = _gather(options.train, work / "pictures")
        test = _gather(options.test, work / "pictures") if options.test else None
        listed = make_manifest(train, test, work / "pictures", seed=options.seed)
        write_manifest(listed, manifest)
        config = SearchConfig(
            budget_seconds=max(1.0, options.minutes * 60 - (time.monotonic() - started)),
            seed=options.seed,
            space=options.space,
            trunk=options.trunk,
            strategy=options.strategy,
            random_share=options.random_share,
            slots=options.slots,
            max_trials=options.trials,
            max_parameters=options.max_parameters,
            max_latency_ms=options.max_latency,
            objective=options.objective,
            start=_genome_of(options.start) if options.start else None,
            fidelity=options.fidelity,
            saving=options.saving,
            early_stop=not options.no_early_stop,
            ensemble=not options.single,
            prefilter=options.prefilter,
            folds=options.folds,
        )
        search = LocalSearch(
            config, manifest, cache=work / "cache", run=work / "run", device=options.device, say=_say
        )
        outcome = search.run(title=options.train.stem)
        shutil.move(outcome.bundle, options.out)
        write_ledger(outcome.ledger, options.out / "ledger.jsonl")
        if outcome.doubted:
            names = {**(test.names if test else {}), **train.names}
            given = {picture.id: names[picture.path] for picture in listed.pictures}
            write_suspects(Path(outcome.doubted.out), given, options.out / SUSPECTS)
    _report(outcome, options, time.monotonic() - started)
    return 0


def _genome_of(bundle: Path) -> dict[str, Any]:
    """The network in a bundle."""
    try:
        genome: dict[str, Any] = json.loads((bundle / "model.json").read_text(encoding="utf-8"))["genome"]
        Genome.from_dict(genome)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SearchEngineError(f"{bundle} is not the folder of a bundle with a network: {error}.") from error
    return genome


def _gather(source: Path, folder: Path) -> Gathered:
    if not source.exists():
        raise SearchEngineError(f"There is no file or folder {source}.")
    found = gather(source, folder, on_file=lambda _: None)
    unlabelled = f", {found.unlabelled} pictures without a label left out" if found.unlabelled else ""
    _say(f"{source}: {len(found.pictures)} pictures, {len(found.rejected)} files rejected{unlabelled}")
    for item in found.rejected:
        _say(f"  rejected {item.name}: {item.reason}")
    return found


def _report(outcome: Outcome, options: argparse.Namespace, seconds: float) -> None:
    test: dict[str, Any] = outcome.card["test"]
    low, high = test["interval"]
    several = "the labels of " if "thresholds" in outcome.card else ""
    _say(
        f"Right on {test['accuracy']:.1%} of {several}{test['n']} pictures that it had never seen "
        f"(95 % interval {low:.1%} to {high:.1%}). Bundle: {options.out}"
    )
    if several:
        _say(
            f"Every label right on {test['subset_accuracy']:.1%} of them; mean average precision "
            f"{test['mean_average_precision']:.3f}."
        )
    if options.json:
        result = {
            "test": test,
            "validation": outcome.card["validation"],
            "seconds": round(seconds, 2),
            "trials": outcome.networks,
            "winner": {
                "number": outcome.winner,
                "kind": outcome.card["kind"],
                "hash": outcome.card["genome_hash"],
                "genome": outcome.card["genome"],  # of several the one that says most
                "members": [
                    {name: member[name] for name in ("trial", "share", "genome_hash")}
                    for member in outcome.card["members"]
                ],
            },
            "controls": outcome.controls,
            "worth": [comparison.to_dict() for comparison in outcome.worth],
            "suspected": outcome.doubted.suspected if outcome.doubted else None,
            "bundle": str(options.out),
        }
        print(json.dumps(result, ensure_ascii=False))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
