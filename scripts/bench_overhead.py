"""What a trial costs besides training: a real search of the site, timed between its parts.

Each slot runs in a process of its own, as under Celery, against one SQLite file, with the real engine. Times
are of the machine's monotonic clock, which all its processes share. Run it from the root of the repository:
``python -m scripts.bench_overhead``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODULE = "scripts.bench_overhead"
PARTS = {
    "claim": "decide and write down (one transaction)",
    "start": "send to first batch",
    "overhead": "claim to first batch",
    "overhead_cpu": "the same, processor seconds of slot and engine",
    "result": "result to next claim",
    "after": "last batch to result (score, save, latency)",
}
WARM = 1
"""Networks of each slot that are left out: its first loads the pictures' features."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40, help="networks (default: 40)")
    parser.add_argument("--slots", type=int, default=1, help="side by side (default: 1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="budget (default: 5)")
    parser.add_argument("--strategy", default="evolution", help="default: evolution")
    parser.add_argument(
        "--short",
        action="store_true",
        help="200 pictures, 2 epochs, 128 pixels instead of what fits the budget",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = measure(
        trials=options.trials,
        slots=options.slots,
        minutes=options.minutes,
        strategy=options.strategy,
        short=options.short,
    )
    if options.json:
        say(json.dumps(found))
        return
    say(
        f"{found['networks']} networks, {options.slots} slots, {options.strategy}; this machine's load made "
        f"training {found['slowdown']:.2f} times as long as its processor seconds"
    )
    say("| milliseconds | median | 90 % are below |\n| --- | --- | --- |")
    for name, text in PARTS.items():
        say(f"| {text} | {found[name]['median']:.0f} | {found[name]['p90']:.0f} |")


def measure(*, trials: int, slots: int, minutes: float, strategy: str, short: bool) -> dict[str, Any]:
    """Run a search and time it.

    Returns:
        A name of ``PARTS`` to median and 90th percentile in milliseconds, over all networks of the search but
        the first of each slot; ``networks``, how many; and ``slowdown``, wall-clock seconds of training over
        its processor seconds: above 1 if others wanted the processor, too.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        out = Path(folder)
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
        environment = {**kept, "DATA_DIR": str(out / "data"), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
        command = (sys.executable, "-m", MODULE)
        made = subprocess.run(
            [
                *command,
                "make",
                str(trials),
                str(slots),
                str(minutes),
                strategy,
                "short" if short else "whole",
            ],
            env=environment,
            cwd=ROOT,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        )
        processes = [
            subprocess.Popen([*command, "slot", key, str(out / key)], env=environment, cwd=ROOT)
            for key in made.stdout.splitlines()[-1].split()
        ]
        codes = [process.wait() for process in processes]
        if any(codes):
            raise SystemExit(f"A slot ended with exit status {max(codes)}.")
        return _summary([_read(path) for path in sorted(out.glob("*.jsonl"))])


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _summary(files: Sequence[list[dict[str, Any]]]) -> dict[str, Any]:
    engine = {row["number"]: row for rows in files for row in rows if "batch" in row}
    rows: list[dict[str, float]] = []
    for steps in (rows for rows in files if rows and "asked" in rows[0]):
        networks = [step for step in steps if step["number"] in engine][WARM:]
        rows += [_parts(step, engine[step["number"]]) for step in networks]
    training = [(row["ended"] - row["batch"], row["ended_cpu"] - row["batch_cpu"]) for row in engine.values()]
    found: dict[str, Any] = {
        name: {
            "median": 1000 * median(row[name] for row in rows),
            "p90": 1000 * quantiles([row[name] for row in rows], n=10)[-1],
        }
        for name in PARTS
    }
    wall, cpu = (sum(column) for column in zip(*training, strict=True))
    return found | {"networks": len(rows), "slowdown": wall / cpu}


def _parts(step: dict[str, float], engine: dict[str, float]) -> dict[str, float]:
    return {
        "claim": step["given"] - step["asked"],
        "start": engine["batch"] - step["given"],
        "overhead": engine["batch"] - step["asked"],
        "overhead_cpu": step["cpu"] + engine["batch_cpu"] - engine["begun_cpu"],
        "result": step["next"] - step["answered"],
        "after": step["answered"] - engine["ended"],
    }


def make(trials: str, slots: str, minutes: str, strategy: str, plan: str) -> None:
    """A site with the sample pictures and a search; says the keys of its slots."""
    import django

    django.setup()
    from django.core.management import call_command

    from webapp.accounts.models import User
    from webapp.core import queue
    from webapp.datasets.importing import run_import
    from webapp.datasets.services import import_sample
    from webapp.searches.models import Search, Slot

    for name in ("tmp", "uploads"):
        (Path(os.environ["DATA_DIR"]) / name).mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    queue._send = lambda task, *ids: None  # there is no broker here
    owner = User.objects.create(username="bench")
    dataset = import_sample(owner=owner)
    for upload in dataset.uploads.all():
        run_import(upload.pk)
    version = dataset.latest
    if version is None:
        raise SystemExit("The sample pictures could not be imported.")
    search = Search.objects.create(
        owner=owner,
        version=version,
        budget_minutes=float(minutes),
        slot_count=int(slots),
        max_trials=int(trials),
        strategy=strategy,
        **(planned() if plan == "short" else {}),
    )
    keys = [Slot.objects.create(search=search, index=index).pk for index in range(int(slots))]
    say(" ".join(map(str, keys)))


def planned() -> dict[str, Any]:
    """What a search is after measuring, with short trainings."""
    from django.utils import timezone

    plan = {
        "trunk": "efficientnet_lite0",
        "resolution": 128,
        "pictures": 200,
        "epochs": 2,
        "trial_seconds": 2.0,
        "prepare_seconds": 10.0,
        "finish_seconds": 10.0,
        "rates": {"trunk_latency_ms": 10.0},
    }
    return {"plan": plan, "state": "running", "phase": "prepare", "started_at": timezone.now()}


def slot(key: str, out: str) -> None:
    """Run a slot; the times of its steps go to ``<out>.jsonl``."""
    import django

    django.setup()
    from search_engine.events import Message, Trained
    from search_engine.process import EngineProcess
    from search_engine.steps import TrainStep
    from webapp.searches import slot as module
    from webapp.searches import steps
    from webapp.searches.claims import claim_slot

    rows: list[dict[str, float]] = []

    class Engine(EngineProcess):
        def events(self, timeout: float) -> Message | None:
            event = super().events(timeout)
            if isinstance(event, Trained):
                rows[-1] |= {"answered": time.monotonic()}
            return event

    def next_step(*arguments: Any, **options: Any) -> Any:
        asked, cpu = time.monotonic(), time.process_time()
        step = original(*arguments, **options)
        given = time.monotonic()
        if rows and "next" not in rows[-1]:
            rows[-1]["next"] = given
        if isinstance(step, TrainStep):
            row = {"number": step.number, "asked": asked, "given": given, "cpu": time.process_time() - cpu}
            rows.append(row)
        return step

    original = steps.next_step
    setattr(module, "next_step", next_step)  # noqa: B010 - the slot's own name for it
    claimed = claim_slot(int(key))
    if claimed is None:
        raise SystemExit(f"Slot {key} is not waiting.")
    command = (sys.executable, "-m", MODULE, "engine", f"{out}-engine.jsonl")
    module.SlotRunner(claimed, new_engine=lambda: Engine(command)).run()
    Path(f"{out}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows if "next" in row))


def engine(out: str) -> None:
    """The engine, with a clock at the first batch and after the last of each network."""
    from search_engine import fitting, session, worker
    from search_engine.trainer import loop

    original = loop.train

    def train(*arguments: Any, should_stop: Callable[[], bool], on_epoch: Any, **options: Any) -> Any:
        row: dict[str, float] = {}

        def asked() -> bool:
            if not row:  # the loop asks before each batch
                row.update(batch=time.monotonic(), batch_cpu=time.process_time())
            return should_stop()

        result = original(*arguments, should_stop=asked, on_epoch=on_epoch, **options)
        last.update(row, ended=time.monotonic(), ended_cpu=time.process_time())
        return result

    last: dict[str, float] = {}

    class Session(session.Session):
        def train(self, command: Any) -> Any:
            begun = time.process_time()
            last.clear()
            trained = super().train(command)
            if last:  # controls have no batches
                with Path(out).open("a") as file:
                    file.write(json.dumps({"number": command.number, "begun_cpu": begun, **last}) + "\n")
            return trained

    setattr(fitting, "train", train)  # noqa: B010 - the names that fitting and worker look up
    setattr(session, "Session", Session)  # noqa: B010
    worker.main()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    inner: dict[str, Callable[..., None]] = {"make": make, "slot": slot, "engine": engine}
    if len(sys.argv) > 1 and sys.argv[1] in inner:
        inner[sys.argv[1]](*sys.argv[2:])
    else:
        main()
