"""One launcher for each data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.launcher.errors import LaunchError


@contextmanager
def only_launcher(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for this process. The kernel lets go of the lock however we die.

    Raises:
        LaunchError: another launcher holds it.
    """
    descriptor = os.open(data_dir / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise LaunchError(
                f"Netwright is already running on {data_dir} (process {owner}). "
                "Use that one, stop it first, or give this one a folder of its own: "
                "DATA_DIR=another-folder make run"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
