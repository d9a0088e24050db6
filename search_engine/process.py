"""An engine process seen from outside: started, spoken to, and never left behind.

The process is the leader of its own group and dies with its parent. It gets commands on its standard input
and answers on its standard output, one JSON line each (see ``search_engine.events``).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

from search_engine.events import Message, from_line, to_line

PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec nothing may take a lock, and loading does.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

ENGINE_COMMAND = (sys.executable, "-m", "search_engine", "work")
ROOT = Path(__file__).resolve().parent.parent
"""Where ``python -m search_engine`` finds this package."""
EOF_SECONDS = 1.0
CLOSE_SECONDS = 5.0
TAIL_LINES = 40
SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
"""Of no use to an engine, which reads pictures that strangers may have sent."""
SIGNALS: dict[int, str] = {
    signal.SIGKILL: "was killed, most likely because the machine ran out of memory",
    signal.SIGSEGV: "crashed (segmentation fault)",
    signal.SIGBUS: "crashed (bus error: the disk or the shared memory may be full)",
    signal.SIGABRT: "crashed (it gave up with an internal error)",
    signal.SIGILL: "crashed (this processor lacks an instruction it needs)",
    signal.SIGTERM: "was told to end",
}


class EngineDied(Exception):
    """The engine process ended by itself. Its text goes on "The process that trained it ..."."""

    def __init__(self, reason: str, *, kind: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


class EngineProcess:
    """A running engine process.

    Start and close it on one thread that lives as long as the engine shall: the kernel ends the process when
    that thread ends.
    """

    def __init__(self, command: Sequence[str] = ENGINE_COMMAND) -> None:
        self._lines: SimpleQueue[Message | None] = SimpleQueue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=engine_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls nothing but prctl
        )
        assert self._process.stdout  # noqa: S101 - for the type checker: they are pipes
        assert self._process.stderr  # noqa: S101
        self._readers = [
            Thread(target=self._read_events, args=(self._process.stdout,), daemon=True),
            Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Give the engine a command.

        Raises:
            EngineDied: nobody reads any more.
        """
        assert self._process.stdin  # noqa: S101
        try:
            self._process.stdin.write(to_line(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._death() from None

    def events(self, timeout: float) -> Message | None:
        """The next event, or None if none comes within ``timeout`` seconds.

        Raises:
            EngineDied: the process is gone and everything it said has been read.
        """
        try:
            message = self._lines.get(timeout=max(0.0, timeout))
        except Empty:
            return None
        if message is None:
            self._lines.put(None)
            raise self._death()
        return message

    def close(self) -> None:
        """End the process and whatever it started: end of input, SIGTERM, after five seconds SIGKILL."""
        self._close(self._process.stdin)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EOF_SECONDS)
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process and its group at once."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            self._close(stream)

    @staticmethod
    def _close(stream: IO[str] | None) -> None:
        with suppress(BrokenPipeError):
            if stream:
                stream.close()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read_events(self, stream: IO[str]) -> None:
        for line in stream:
            try:
                self._lines.put(from_line(line))
            except (ValueError, TypeError):
                # A library that prints to standard output: keep it for the reason of a death.
                self._tail.append(line.rstrip())
        self._lines.put(None)

    def _read_errors(self, stream: IO[str]) -> None:
        for line in stream:
            if line.strip():
                self._tail.append(line.rstrip())

    def _death(self) -> EngineDied:
        # Standard output ends a moment before the exit status is there; a process that only closed it hangs.
        try:
            code = self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return EngineDied("stopped answering", kind="crashed")
        self._signal(signal.SIGKILL)  # its children, if it had any
        self._readers[1].join(1.0)
        return death_in_words(code, list(self._tail))


def _die_with_parent() -> None:
    """Have the kernel kill this child when the thread that started it ends (Linux; elsewhere nothing)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def death_in_words(code: int, tail: Sequence[str]) -> EngineDied:
    """Why a process ended, from its exit status and the last lines it wrote."""
    if code < 0:
        kind = "out_of_memory" if -code == signal.SIGKILL else "crashed"
        return EngineDied(SIGNALS.get(-code, f"was ended by signal {-code}"), kind=kind)
    last = f": {tail[-1].strip()[:300]}" if tail else ""
    return EngineDied(f"ended by itself (exit status {code}{last})", kind="crashed")


def engine_environment() -> dict[str, str]:
    """The environment of an engine: ours without secrets, and one thread for every numeric library."""
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return environment | dict.fromkeys(threads, "1") | {"PYTHONUNBUFFERED": "1"}
