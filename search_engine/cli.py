"""The command line: ``python -m search_engine --help``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_engine import __version__
from search_engine.bench import bench as run_bench
from search_engine.bench import bench_costs
from search_engine.config import SearchConfig
from search_engine.data.gather import Gathered, gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.errors import SearchEngineError
from search_engine.fidelity import SCHEDULERS
from search_engine.ledger import read_ledger, step_as_dict, write_ledger
from search_engine.objective import OBJECTIVES
from search_engine.proposing import FIDELITIES
from search_engine.runner import LocalSearch, Outcome
from search_engine.space.architecture import Genome
from search_engine.space.registry import HYBRID, SPACES
from search_engine.space.table import read_table
from search_engine.strategies import STRATEGIES

DESCRIPTION = """Finds a neural network for labelled pictures, by search.

The pictures come as a zip or a folder with one folder per label. The winner is written as a bundle: an
ONNX file with a script that runs it. Nothing leaves this machine."""

FIT_EXAMPLE = """example:
  python -m search_engine fit flowers.zip --minutes 5 --out flowers-model
  python -m search_engine predict flowers-model photo.jpg

The last line printed with --json is one object: test.accuracy, test.n, seconds, trials (candidates trained),
winner (its genome and hash) and bundle. Without --test a tenth to a sixth of the pictures is held out,
sealed, and used once, at the end."""


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    root = argparse.ArgumentParser(prog="python -m search_engine", description=DESCRIPTION)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fit = commands.add_parser(
        "fit",
        help="search a network for a set of labelled pictures",
        description="Search a network for labelled pictures and write it as a bundle.",
        epilog=FIT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument("train", type=Path, metavar="TRAIN", help="zip or folder: one folder per label")
    fit.add_argument(
        "--test", type=Path, help="zip or folder that is used once, at the end, to say how good it is"
    )
    fit.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the bundle; must not exist"
    )
    fit.add_argument("--minutes", type=float, default=5.0, help="time for everything (default: 5)")
    fit.add_argument("--seed", type=int, default=0, help="rules every random choice (default: 0)")
    fit.add_argument(
        "--space",
        choices=list(SPACES),
        default=HYBRID,
        help="hybrid: cells on a pretrained network; cells, macro: from scratch (default: hybrid)",
    )
    fit.add_argument(
        "--strategy", choices=sorted(STRATEGIES), default="auto", help="default: auto, by what time affords"
    )
    fit.add_argument("--trials", type=int, help="stop after this many networks even if there is time left")
    fit.add_argument(
        "--random-share",
        type=float,
        default=0.15,
        metavar="SHARE",
        help="share of the training that goes to random networks, to compare with (default: 0.15)",
    )
    fit.add_argument(
        "--max-parameters", type=int, metavar="N", help="weights that the network may have at most"
    )
    fit.add_argument(
        "--max-latency", type=float, metavar="MS", help="milliseconds that one picture may take it here"
    )
    fit.add_argument(
        "--objective",
        choices=OBJECTIVES,
        default="accuracy",
        help="mnasnet: trade accuracy for speed around --max-latency (default: accuracy)",
    )
    fit.add_argument(
        "--fidelity",
        choices=FIDELITIES,
        default="full",
        help="halving, asha: train many for less and the best of them in full (default: full)",
    )
    fit.add_argument("--start", type=Path, metavar="BUNDLE", help="begin with the network of another search")
    fit.add_argument("--slots", type=int, default=_cores(), help="trials side by side (default: one a core)")
    fit.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    fit.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    predict = commands.add_parser("predict", help="ask a bundle what is on a picture; one JSON object a line")
    predict.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="folder that fit wrote, or the zip from the site"
    )
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="picture file or folder")
    predict.add_argument("--top-k", type=int, help="only the most likely labels")
    replay = commands.add_parser("replay", help="say what a search would try next, from its ledger")
    replay.add_argument(
        "ledger", type=Path, metavar="LEDGER", help="JSON lines, as fit and the site write them"
    )
    bench = commands.add_parser("bench", help="run a strategy on a table of results that others measured")
    bench.add_argument("table", type=Path, metavar="TABLE", help="JSON; see search_engine/space/table.py")
    bench.add_argument(
        "--strategy", choices=sorted(STRATEGIES), default="evolution", help="default: evolution"
    )
    bench.add_argument("--evaluations", type=int, default=200, help="candidates looked at (default: 200)")
    bench.add_argument(
        "--cost-budget", type=float, metavar="C", help="bound what all trainings cost together, instead"
    )
    bench.add_argument(
        "--scheduler",
        choices=(*SCHEDULERS, "none"),
        default="halving",
        help="with --cost-budget: who of the cheaply trained is trained in full (default: halving)",
    )
    bench.add_argument("--seeds", type=int, default=100, help="searches to average over (default: 100)")
    bench.add_argument(
        "--json", action="store_true", help="print one JSON object as the last line (always so)"
    )
    commands.add_parser("work", help="serve commands on standard input (used by the site)")
    return root


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
    """The folder of a bundle; of a zip, as the site gives it, the two files that matter are unpacked."""
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
        write_manifest(make_manifest(train, test, work / "pictures", seed=options.seed), manifest)
        config = SearchConfig(
            budget_seconds=max(1.0, options.minutes * 60 - (time.monotonic() - started)),
            seed=options.seed,
            space=options.space,
            strategy=options.strategy,
            random_share=options.random_share,
            slots=options.slots,
            max_trials=options.trials,
            max_parameters=options.max_parameters,
            max_latency_ms=options.max_latency,
            objective=options.objective,
            start=_genome_of(options.start) if options.start else None,
            fidelity=options.fidelity,
        )
        search = LocalSearch(
            config, manifest, cache=work / "cache", run=work / "run", device=options.device, say=_say
        )
        outcome = search.run(title=options.train.stem)
        shutil.move(outcome.bundle, options.out)
        write_ledger(outcome.ledger, options.out / "ledger.jsonl")
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
    _say(f"{source}: {len(found.pictures)} pictures, {len(found.rejected)} files rejected")
    for item in found.rejected:
        _say(f"  rejected {item.name}: {item.reason}")
    return found


def _report(outcome: Outcome, options: argparse.Namespace, seconds: float) -> None:
    test: dict[str, Any] = outcome.card["test"]
    low, high = test["interval"]
    _say(
        f"Right on {test['accuracy']:.1%} of {test['n']} pictures that it had never seen "
        f"(95 % interval {low:.1%} to {high:.1%}). Bundle: {options.out}"
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
                "genome": outcome.card["genome"],
            },
            "controls": outcome.controls,
            "bundle": str(options.out),
        }
        print(json.dumps(result, ensure_ascii=False))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
