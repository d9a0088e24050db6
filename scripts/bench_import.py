"""How fast and how small an import is, against a bare loop that unzips, decodes and makes one thumbnail.

The pictures are drawn by code. Bare loop and import run in turns on the same core, and with two workers on
two cores; figures are the best of their runs, since whatever else a machine does only slows things down.
Processor time of the import counts the site's worker and its decoding children. Run it from the root of the
repository: ``python -m scripts.bench_import``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MODULE = "scripts.bench_import"
LABELS = 5
NOISES = 8  # making noise takes longer than importing a picture
GOAL = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1500, help="how many (default: 1500)")
    parser.add_argument("--size", default="640x480", help="pixels (default: 640x480)")
    parser.add_argument("--repeats", type=int, default=3, help="turns (default: 3)")
    parser.add_argument("--flat", action="store_true", help="one import with two workers, and its memory")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        path = Path(folder) / "pictures.zip"
        draw(path, options.pictures, (width, height))
        facts = f"{options.pictures:,} JPEG of {options.size}, {path.stat().st_size / 1024**2:.0f} MB"
        say(f"{facts}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        if options.flat:
            tell_memory(timed(path, 2))
            return
        runs: dict[str, list[dict[str, Any]]] = {"bare loop": [], "1 worker": [], "2 workers": []}
        for _ in range(options.repeats):
            runs["bare loop"].append(timed(path, 0))
            runs["1 worker"].append(timed(path, 1))
            runs["2 workers"].append(timed(path, 2))
        tell_rates(runs)


def tell_rates(runs: dict[str, list[dict[str, Any]]]) -> None:
    best = {name: max(found, key=lambda run: run["rate"]) for name, found in runs.items()}
    least = {name: min(run["cpu_ms"] for run in found) for name, found in runs.items()}
    bare = best["bare loop"]["rate"]
    say("| | pictures a second | of the bare loop | processor ms a picture | peak memory, MB |")
    say("| --- " * 5 + "|")
    for name, run in best.items():
        row = f"{run['rate']:.0f} | {run['rate'] / bare:.0%} | {least[name]:.2f} | {run['peak']:.0f}"
        say(f"| {name} | {row} |")
    ratio, gain = best["1 worker"]["rate"] / bare, best["2 workers"]["rate"] / best["1 worker"]["rate"]
    verdict = f"goal {GOAL:.0%}: {'reached' if ratio >= GOAL else 'missed'}"
    say(f"One worker: {ratio:.0%} of the bare loop ({verdict}); two are {gain:.2f} times as fast.")
    say(f"By processor time, one worker: {least['bare loop'] / least['1 worker']:.0%} of the bare loop.")


def tell_memory(run: dict[str, Any]) -> None:
    say(f"{run['seconds']:.0f} s, {run['rate']:.0f} pictures a second, {run['cpu_ms']:.2f} processor ms each")
    say("| of the time | memory of the worker, MB |\n| --- | --- |")
    for share, memory in run["memory"]:
        say(f"| {share:.0%} | {memory:.0f} |")
    say(f"| at its peak, with the rows in the database | {run['peak']:.0f} |")


def timed(path: Path, workers: int) -> dict[str, Any]:
    """One run in a process of its own; 0 workers mean the bare loop."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
        environment = kept | {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "IMPORT_WORKERS": str(max(1, workers)),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", MODULE, "run", str(path), str(workers)]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def run(path: Path, workers: int) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[: max(1, workers)])  # children are started later, and stay on them
    with zipfile.ZipFile(path) as archive:
        count = len(archive.namelist())
    work = prepared_import(path) if workers else (lambda: bare_loop(path))
    memory: list[tuple[int, float]] = []
    before, started = processor_seconds(), time.monotonic()
    with sampled(memory):
        work()
    seconds = time.monotonic() - started
    if workers:
        from search_engine.data.decoders import shared_decoders

        shared_decoders(workers).close()  # so that the children's time is counted
    samples = (
        [memory[int(share * (len(memory) - 1))][1] for share in (0, 0.25, 0.5, 0.75, 1)] if memory else []
    )
    return {
        "seconds": seconds,
        "rate": count / seconds,
        "cpu_ms": (processor_seconds() - before) / count * 1000,
        "peak": peak_megabytes(),
        "memory": list(zip((0, 0.25, 0.5, 0.75, 1), samples, strict=False)),
    }


def bare_loop(path: Path) -> None:
    """What somebody would write in ten lines who trusts every file; the thumbnail is encoded as ours is."""
    from search_engine.data.examine import THUMBNAIL_METHOD, THUMBNAIL_QUALITY, THUMBNAIL_SIDE

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with Image.open(BytesIO(archive.read(name))) as file:
                image = file.convert("RGB")
            image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            image.save(BytesIO(), "WEBP", quality=THUMBNAIL_QUALITY, method=THUMBNAIL_METHOD)


def prepared_import(path: Path) -> Any:
    """An empty site, and the import of the zip as its worker does it, rows and all."""
    import logging

    import django

    django.setup()
    logging.disable(logging.INFO)
    from django.core.management import call_command

    from webapp.accounts.models import User
    from webapp.datasets import importing
    from webapp.datasets.models import Dataset, Upload

    call_command("migrate", verbosity=0)
    dataset = Dataset.objects.create(owner=User.objects.create_user("bench"), name="bench")
    upload = Upload.objects.create(
        dataset=dataset, name=path.name, path=str(path), size=path.stat().st_size, kind=Upload.Kind.SERVER
    )

    def work() -> None:
        importing.run_import(upload.pk)
        upload.refresh_from_db()
        if upload.state != Upload.State.FINISHED or upload.rejected:
            raise SystemExit(f"The import ended as {upload.state}: {upload.error or upload.rejected}")

    return work


@contextmanager
def sampled(memory: list[tuple[int, float]]) -> Iterator[None]:
    """Note the resident memory of this process four times a second."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            memory.append((len(memory), pages * resource.getpagesize() / 1024**2))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def peak_megabytes() -> float:
    """Of resident memory; ``getrusage`` would begin with the peak of the process that started this one."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def draw(path: Path, count: int, size: tuple[int, int]) -> None:
    """A zip of pictures like photos: smooth areas, edges and noise, some 60 kB each at 640 x 480.

    No two are alike: of pictures that look the same, an import compares each with all others.
    """
    rng = np.random.default_rng(0)
    width, height = size
    noises = [rng.normal(0, 7, (height, width, 3)).astype(np.int16) for _ in range(NOISES)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
            smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.int16)
            pixels = np.clip(smooth + noises[number % NOISES], 0, 255).astype(np.uint8)
            pixels[: height // 4, : width // 4] = rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8)
            file = BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=85)
            archive.writestr(f"{number % LABELS}/{number:06d}.jpg", file.getvalue())


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        say(json.dumps(run(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
