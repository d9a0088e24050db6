"""A process that the launcher keeps alive."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from webapp.core.processes import die_with_parent

LOG_BYTES = 20 * 1024**2
LOGS_KEPT = 3
LONGEST_PAUSE = 30.0  # seconds between two attempts to start something that keeps dying
STEADY = 60.0  # after so many seconds of life a death counts as the first one again


class Child:
    """A command, its log file, and when to try again after it died.

    It leads a session of its own: a Ctrl-C in the terminal reaches only the launcher, which then stops
    everything in order, and what the child starts in its group can be killed with it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.pass_fds = tuple(pass_fds)
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.start_again_at = 0.0
        self._env = dict(env)
        self._cwd = cwd
        self._started = 0.0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                pass_fds=self.pass_fds,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - the launcher has one thread
            )
        self._started = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def bury(self) -> str | None:
        """If it has died since we last looked: how, in words, and note when to start it again."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        self.kill()  # what it left behind in its group
        self.process = None
        now = time.monotonic()
        self.deaths = 1 if now - self._started > STEADY else self.deaths + 1
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
        self.start_again_at = now + pause
        how = (
            f"was killed by {signal.Signals(-code).name}" if code < 0 else f"stopped with exit status {code}"
        )
        return f"The {self.name} {how}; it starts again in {pause:.0f} s. What it said is in {self.log}"

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End it and everything in its process group, at once."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # all gone already
        self.process.wait()


def rotate(log: Path) -> None:
    """Put the log of the last run aside, keeping a few."""
    for number in range(LOGS_KEPT, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def trim(log: Path) -> None:
    """Start a log over when it has grown too large; the process that appends to it goes on undisturbed."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
