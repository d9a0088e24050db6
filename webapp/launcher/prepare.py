"""What must be in place before anything starts: folders, tables, static files, the port."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, connections

from webapp.launcher.errors import LaunchError

FOLDERS = ("uploads", "tmp", "datasets", "cache", "searches", "models", "logs")


def make_folders(data_dir: Path) -> None:
    """DATA_DIR and what is in it, readable by us alone.

    Raises:
        LaunchError: it cannot be written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir.chmod(0o700)
        for name in FOLDERS:
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LaunchError(
            f"The data folder {data_dir} cannot be used: {error.strerror}. "
            "Make it writable, or choose another: DATA_DIR=another-folder make run"
        ) from error


def migrate() -> None:
    """Bring the tables up to date.

    Raises:
        LaunchError: the database cannot be reached or written.
    """
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise LaunchError(
            f"The database could not be prepared: {error}. "
            "Check that DATABASE_URL is right, that the server runs and that the disk is not full."
        ) from error
    finally:
        connections.close_all()


def collect_static() -> None:
    """Copy, name by content and compress the static files; nothing if none has changed since."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".collected"
    state = _static_state()
    if stamp.exists() and stamp.read_text() == state:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(state)


def _static_state() -> str:
    seen = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            seen.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def listen(host: str, port: int) -> socket.socket:
    """The socket that the web server will accept on. We hold it, so the port stays ours while that restarts.

    Raises:
        LaunchError: the port is taken, or the host is not one of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LaunchError(f"HOST={host} is not an address of this machine ({error.strerror}).") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise LaunchError(
            f"Port {port} on {host} cannot be used: {error.strerror}. "
            f"Stop what uses it, or choose another: PORT={port + 1} make run"
        ) from error
    listener.set_inheritable(True)
    return listener
