"""Child processes that never outlive us: an own process group, and death with the parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec nothing may take a lock, and loading does.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int | None = None, number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end this process when the thread that started it ends (Linux; elsewhere nothing).

    Call it in the child. Beware that the kernel watches the starting *thread*: a thread that starts a
    process must live as long as the process should.

    Args:
        parent: process id of the parent, to notice that it died before this call.
        number: the signal that the kernel sends.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, number)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def spawn(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    text: bool = False,
) -> subprocess.Popen[Any]:
    """Start a process in a process group of its own that dies with this one.

    Args:
        arguments: program and arguments; never goes through a shell.
        env: the whole environment of the child; ours if None.
        text: whether the pipes carry UTF-8 text, a line at a time, instead of bytes.
    """
    return subprocess.Popen(
        [os.fspath(argument) for argument in arguments],
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8" if text else None,
        bufsize=1 if text else -1,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509  # takes no lock: see _libc
    )


def signal_group(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Send a signal to a process from ``spawn`` and to all that it started; nothing if they are gone."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def stop(process: subprocess.Popen[Any], *, grace: float = 5.0) -> int:
    """End a process from ``spawn`` with its whole group: SIGTERM, then SIGKILL after ``grace`` seconds.

    Returns:
        its exit code.
    """
    signal_group(process, signal.SIGTERM)
    try:
        return process.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        signal_group(process, signal.SIGKILL)  # also what a process that ended well has left behind
    return process.wait()
