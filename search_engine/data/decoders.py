"""The decoding children of this process: as many pictures at a time as there are children."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from search_engine.data.examine import Examined
from search_engine.data.frames import Pipe, read_frame, write_frame
from search_engine.data.limits import Limits
from search_engine.data.quality import Facts
from search_engine.data.refusals import Reason, RefusedError

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "search_engine.data.decoding")
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")  # of the environment
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Pixels of the last picture are kept for the next: otherwise a fifth of the time goes into page faults.
    "MALLOC_MMAP_THRESHOLD_": str(64 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024**2),
}
WALL_SECONDS = 120.0  # a busy machine gives a child's 30 seconds of processor time in no less than this
TRIES = 2  # a child may end of idleness at the very moment when it is asked


class Child:
    """One decoding process; started when it is needed, and again when it has died."""

    def __init__(self, command: Sequence[str] = COMMAND, *, wall_seconds: float = WALL_SECONDS) -> None:
        self.command = command
        self.wall_seconds = wall_seconds
        self.process: subprocess.Popen[bytes] | None = None

    def examine(self, data: bytes, limits: Limits) -> Examined:
        """As ``examine.examine``, elsewhere.

        Raises:
            RefusedError: the picture cannot be used; or it took the child with it, or far too long.
        """
        for _ in range(TRIES):
            try:
                return self._ask(data, limits)
            except TimeoutError:
                self.stop()
                raise _too_slow() from None
            except (EOFError, BrokenPipeError):
                if self.stop() == -signal.SIGXCPU:
                    raise _too_slow() from None
        raise RefusedError(
            Reason.DAMAGED, "The picture makes the program that reads it crash. Save or export it again."
        )

    def stop(self) -> int | None:
        """End the process; how it ended."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)  # if it is dying, how it died tells more than our own blow
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        return process.wait()

    def _ask(self, data: bytes, limits: Limits) -> Examined:
        if self.process is None:
            self._start()
        deadline = time.monotonic() + self.wall_seconds
        self.requests.deadline = self.replies.deadline = deadline
        write_frame(self.requests, {"max_pixels": limits.max_pixels, "min_side": limits.min_side}, data)
        head, thumbnail = read_frame(self.replies)
        if "code" in head:
            raise RefusedError(Reason(head["code"]), head["reason"])
        facts = Facts(**head.pop("facts"))
        return Examined(**head, thumbnail=thumbnail, facts=facts)

    def _start(self) -> None:
        # Keys and passwords are no business of a process that strangers' bytes are read in.
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= SETTINGS
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
        )
        assert self.process.stdin  # noqa: S101  asked for above
        assert self.process.stdout  # noqa: S101
        self.requests = Pipe(self.process.stdin.fileno(), timed=True)
        self.replies = Pipe(self.process.stdout.fileno(), timed=True)


class Decoders:
    """Several children, and a thread for each that waits for its answers.

    Attributes:
        workers: how many.
    """

    def __init__(self, workers: int, command: Sequence[str] = COMMAND) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decoding")
        self._children: SimpleQueue[Child] = SimpleQueue()
        for _ in range(workers):
            self._children.put(Child(command))

    def submit(self, data: bytes, limits: Limits) -> Future[Examined]:
        """Have a picture examined. The future raises as ``Child.examine``."""
        return self._threads.submit(self._examine, data, limits)

    def close(self) -> None:
        """End the children; what was not begun is not done."""
        self._threads.shutdown(cancel_futures=True)
        while not self._children.empty():
            self._children.get().stop()

    def _examine(self, data: bytes, limits: Limits) -> Examined:
        child = self._children.get()
        try:
            return child.examine(data, limits)
        finally:
            self._children.put(child)


_shared: dict[tuple[int, int], Decoders] = {}


def shared_decoders(workers: int) -> Decoders:
    """The children of this process, kept from one import to the next, since starting one takes a while."""
    key = (os.getpid(), workers)  # a fork has none of its parent's threads
    if key not in _shared:
        for other in list(_shared):
            _close_own(other)
        _shared.clear()
        atexit.register(_close_own, key)
        _shared[key] = Decoders(workers)
    return _shared[key]


def _close_own(key: tuple[int, int]) -> None:
    """Close what this process has started; what it has from a fork's parent is the parent's."""
    if key[0] == os.getpid() and (decoders := _shared.pop(key, None)):
        decoders.close()


def _too_slow() -> RefusedError:
    return RefusedError(
        Reason.TOO_SLOW, "The picture takes far too long to decode. Save it again as JPEG or PNG."
    )
