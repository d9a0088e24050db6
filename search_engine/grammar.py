"""The grammar of the command line: what it understands, and its help."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from search_engine import __version__
from search_engine.config import AUTO, FULL
from search_engine.fidelity import SCHEDULERS
from search_engine.fidelity.rungs import SAVINGS
from search_engine.objective import OBJECTIVES
from search_engine.settings import FIDELITIES
from search_engine.space.registry import SPACES
from search_engine.space.trunks import DEFAULT_TRUNK, TRUNKS
from search_engine.strategies import STRATEGIES

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DESCRIPTION = """Finds a neural network for labelled pictures, by search.

The pictures come as a zip, tar or folder with one folder per label, or with a list of labels. The winner is
written as a bundle: an ONNX file with a script that runs it. Nothing leaves this machine."""

FIT_EXAMPLE = """example:
  python -m search_engine fit flowers.zip --minutes 5 --out flowers-model
  python -m search_engine predict flowers-model photo.jpg

The last line printed with --json is one object: test.accuracy, test.n, validation, seconds, trials (networks
trained), winner (its genome and hash), controls, worth (against the random arm and plain transfer learning)
and bundle. Without --test about 15 % of the pictures are held out, sealed, and used once, at the end.

docs/searching.md says more about every option."""


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    root = argparse.ArgumentParser(prog="python -m search_engine", description=DESCRIPTION)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_fit(commands)
    _add_questions(commands)
    _add_bench(commands)
    commands.add_parser("work", help="serve commands on standard input (used by the site)")
    return root


def _add_fit(commands: Commands) -> None:
    fit = commands.add_parser(
        "fit",
        help="search a network for a set of labelled pictures",
        description="Search a network for labelled pictures and write it as a bundle.",
        epilog=FIT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument(
        "train",
        type=Path,
        metavar="TRAIN",
        help="zip, tar or folder: one folder per label, in train/ val/ test/ or not, or a list",
    )
    fit.add_argument("--test", type=Path, help="the same; it is used once, at the end, to say how good it is")
    fit.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the bundle; must not exist"
    )
    fit.add_argument("--minutes", type=float, default=5.0, help="time for everything (default: 5)")
    fit.add_argument("--seed", type=int, default=0, help="rules every random choice (default: 0)")
    _add_how(fit)
    fit.add_argument("--slots", type=int, default=_cores(), help="trials side by side (default: one a core)")
    fit.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    fit.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def _add_how(fit: argparse.ArgumentParser) -> None:
    """How the search is done; nothing of this has to be chosen."""
    fit.add_argument(
        "--space",
        choices=(AUTO, *SPACES),
        default=AUTO,
        help="hybrid: cells on a pretrained network; cells, macro: from scratch; any: on a "
        "pretrained network or from scratch, whichever proves better (default: auto, which is any wherever "
        "the other options go with it, else hybrid)",
    )
    fit.add_argument(
        "--trunk",
        choices=tuple(TRUNKS),
        default=DEFAULT_TRUNK,
        help=f"the pretrained network; the larger are slower (default: {DEFAULT_TRUNK})",
    )
    fit.add_argument(
        "--strategy",
        choices=sorted(STRATEGIES),
        default=AUTO,
        help="how networks are proposed (default: auto, by how many the time affords)",
    )
    fit.add_argument(
        "--trials", type=int, metavar="N", help="stop after this many networks even if there is time left"
    )
    fit.add_argument(
        "--random-share",
        type=float,
        default=0.15,
        metavar="SHARE",
        help="share of the training that goes to random networks, to compare with (default: 0.15)",
    )
    fit.add_argument(
        "--max-parameters", type=int, metavar="N", help="weights that the whole network may have at most"
    )
    fit.add_argument(
        "--max-latency",
        type=float,
        metavar="MS",
        help="milliseconds that it may take for one picture on this machine",
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
        default=FULL,
        help="halving, asha: train many briefly, the best of them in full; asha never waits (default: full)",
    )
    fit.add_argument(
        "--saving",
        choices=SAVINGS,
        default="epochs",
        help="what those shorter trainings have less of; resolution only from scratch (default: epochs)",
    )
    fit.add_argument(
        "--single",
        action="store_true",
        help="make one network, even if several are better together",
    )
    fit.add_argument(
        "--folds",
        type=_positive,
        metavar="N",
        help="train each network N times, so that pictures it has not seen judge it on all of them "
        "(cross-validation); 1: only the validation pictures judge (default: 5 if these are few and time "
        "allows, else 1)",
    )
    fit.add_argument(
        "--no-early-stop",
        action="store_true",
        help="train every network to the end, even one that will hardly beat the best",
    )
    fit.add_argument(
        "--prefilter",
        action="store_true",
        help="of four proposals train the one whose size speaks for it, while size foretells accuracy; with "
        "--fidelity full",
    )
    fit.add_argument(
        "--start", type=Path, metavar="BUNDLE", help="folder of a bundle whose network is tried first"
    )


def _add_questions(commands: Commands) -> None:
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


def _add_bench(commands: Commands) -> None:
    bench = commands.add_parser("bench", help="run a strategy on a table of results that others measured")
    bench.add_argument("table", type=Path, metavar="TABLE", help="JSON; see search_engine/space/table.py")
    bench.add_argument(
        "--strategy", choices=sorted(STRATEGIES), default="evolution", help="default: evolution"
    )
    bench.add_argument(
        "--evaluations", type=_positive, default=200, help="candidates looked at (default: 200)"
    )
    bench.add_argument(
        "--cost-budget", type=float, metavar="C", help="bound what all trainings cost together, instead"
    )
    bench.add_argument(
        "--scheduler",
        choices=(*SCHEDULERS, "none"),
        default="halving",
        help="with --cost-budget: who of the cheaply trained is trained in full (default: halving)",
    )
    bench.add_argument("--seeds", type=_positive, default=100, help="searches to average over (default: 100)")
    bench.add_argument(
        "--json", action="store_true", help="print one JSON object as the last line (always so)"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, not {text}")
    return int(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
