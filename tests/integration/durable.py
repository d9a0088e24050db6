"""Searches whose workers a test adds and kills, and what can be said of them from outside."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.launch import ROOT, Launched, environment, processes_of, wait_until

PLAN = {
    "trunk": "efficientnet_lite0",
    "resolution": 128,
    "pictures": 60,
    "epochs": 2,
    "trial_seconds": 1.0,
    "prepare_seconds": 2.0,
    "finish_seconds": 5.0,
    "rates": {"trunk_latency_ms": 10.0},
}
"""Cheap networks, whatever this machine is busy with: how well a plan fits is not asked here."""

START = """
import json
from django.db import transaction
from django.utils import timezone
from webapp.datasets.models import Dataset
from webapp.searches.models import Search
from webapp.searches.services import start_search
dataset, options = Dataset.objects.get(pk={dataset}), json.loads({options!r})
with transaction.atomic():
    search = start_search(owner=dataset.owner, version=dataset.latest, **options)
    Search.objects.filter(pk=search.pk).update(
        state="running", phase="prepare", started_at=timezone.now(), plan=json.loads({plan!r})
    )
print(search.pk)
"""


class Rows:
    """The site's database, read by nobody's code but this."""

    def __init__(self, site: Launched) -> None:
        self._path = site.data_dir / "netwright.sqlite3"

    def __call__(self, query: str, *values: object) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=60)) as base:
            base.row_factory = sqlite3.Row
            return [dict(row) for row in base.execute(query, values)]

    def start_clock(self, key: int) -> None:
        """Let a search's budget begin now."""
        with closing(sqlite3.connect(self._path, timeout=60)) as base, base:
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            base.execute("update searches_search set started_at = ? where id = ?", (now, key))

    def search(self, key: int) -> dict[str, Any]:
        return self("select * from searches_search where id = ?", key)[0]

    def trials(self, key: int) -> list[dict[str, Any]]:
        return self("select * from searches_trial where search_id = ? order by number", key)

    def slots(self, key: int) -> list[dict[str, Any]]:
        return self('select * from searches_slot where search_id = ? order by "index"', key)

    def log(self, key: int) -> list[str]:
        rows = self("select text from searches_logline where search_id = ? order by id", key)
        return [row["text"] for row in rows]


class Written:
    """Counts how often engines wrote the weights of each trial, by looking all the time.

    An engine renames a new file into place at each end of a training, so a trial that is trained twice shows
    up as two files of one name, whatever the database says.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / "trials"
        self._seen: set[tuple[int, int, int]] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def times(self) -> Counter[int]:
        """Of each trial number."""
        self._look()
        return Counter(number for number, _, _ in self._seen)

    def _watch(self) -> None:
        while not self._done.wait(0.03):  # shorter than any training
            self._look()

    def _look(self) -> None:
        for path in self._folder.glob("*.safetensors"):
            try:
                found = path.stat()
            except FileNotFoundError:  # the search was deleted
                continue
            self._seen.add((int(path.stem), found.st_ino, found.st_mtime_ns))


def broker_of(site: Launched) -> str:
    return f"redis+socket://{site.data_dir}/broker/socket"


def start_search(site: Launched, dataset: int, *, slots: int, **options: Any) -> int:
    """A search that is planned already; its number."""
    script = START.format(dataset=dataset, options=json.dumps(options), plan=json.dumps(PLAN))
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
        cwd=ROOT,
        env=environment(site.data_dir, REDIS_URL=broker_of(site), SLOTS=str(slots)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


class Worker:
    """One more training worker on this machine, as the README says to start one, and its engines."""

    def __init__(self, site: Launched, *, trainers: int = 1, name: str = "more") -> None:
        self._site = site
        before = set(processes_of(site.data_dir))
        command = ["-m", "celery", "-A", "webapp.celery", "worker", "-Q", "train", "-c", str(trainers)]
        self.log = site.data_dir / "logs" / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, "-n", f"{name}@%h", "--loglevel", "INFO"],
                cwd=ROOT,
                env=environment(site.data_dir, REDIS_URL=broker_of(site)),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._before = before

    @property
    def engines(self) -> list[int]:
        """Engine processes that its processes started."""
        group = {pid for pid in processes_of(self._site.data_dir) if _group(pid) == self.process.pid}
        found = processes_of(self._site.data_dir).items()
        return [pid for pid, text in found if "search_engine work" in text and _parent(pid) in group]

    def halt(self) -> list[int]:
        """Stop it and its engines where they are; the engines."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        engines = self.engines
        for pid in engines:
            os.kill(pid, signal.SIGSTOP)
        return engines

    def go_on(self, engines: list[int]) -> None:
        for pid in engines:
            os.kill(pid, signal.SIGCONT)
        os.killpg(self.process.pid, signal.SIGCONT)

    def crash(self) -> None:
        """As if its machine lost power; its engines end because their parent does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.crash()


@contextmanager
def more_workers(site: Launched, trainers: int) -> Iterator[None]:
    """A worker with so many processes beside the launcher's, if any are wanted."""
    worker = Worker(site, trainers=trainers) if trainers else None
    try:
        yield
    finally:
        if worker:
            worker.stop()


def engines_of(site: Launched) -> list[int]:
    return [pid for pid, text in processes_of(site.data_dir).items() if "search_engine work" in text]


def wait_for_end(rows: Rows, search: int, seconds: float) -> dict[str, Any]:
    """The search's row, once it is over."""
    over = ("finished", "failed", "cancelled")
    wait_until(lambda: rows.search(search)["state"] in over, seconds, f"the end of search {search}")
    return rows.search(search)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", "0", "0"]  # it ended meanwhile


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _group(pid: int) -> int:
    return int(_stat(pid)[2])
