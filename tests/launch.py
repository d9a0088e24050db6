"""The real thing for tests: `manage.py runall` on a free port, with a data folder of its own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0  # on a busy machine with a cold disk; a start takes a few
STOP_SECONDS = 10.0  # what the README promises
RUN = (sys.executable, "manage.py", "runall")
INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "OMP_NUM_THREADS")


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """A clean one: what the developer's shell sets must not change what a test sees."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "DATA_DIR": str(data_dir), "PORT": "0", **settings}


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        pause.wait(0.1)


def processes_of(data_dir: Path) -> dict[int, str]:
    """Every live process that was started for a data folder, by the environment it was started with."""
    needle = f"DATA_DIR={data_dir}\0".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if needle in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:  # a zombie has none
                    found[int(folder.name)] = command
        except OSError:
            continue  # it ended meanwhile, or is not ours
    return found


class Launched:
    """A running launcher: its address, its set-up code and what it said."""

    def __init__(self, data_dir: Path, *, command: Sequence[str] = RUN, **settings: str) -> None:
        self.data_dir = data_dir
        self.said: list[str] = []
        self.url = ""
        self.setup_code = ""
        self.started_after = 0.0
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=environment(data_dir, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        try:
            self.wait_for_line("Ctrl-C stops it")
        except BaseException:
            self.stop()
            raise
        self.started_after = time.monotonic() - self._began
        text = "\n".join(self.said)
        address = re.search(r"http://\S+(?=/)", text)
        assert address, text
        self.url = address[0]
        code = re.search(r"set-up code: (\S+)", text)
        self.setup_code = code[1] if code else ""
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def wait_for_line(self, text: str, seconds: float = START_SECONDS) -> str:
        """The next line with this text in it."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"The launcher never said {text!r}. It said:\n" + "\n".join(self.said)
            if text in line:
                return line

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page; status 0 while nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            self._lines.put(line.rstrip())
        self._lines.put(None)
