"""The web server's settings; `--bind` comes from the launcher, or from whoever runs gunicorn alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from webapp.core.processes import die_with_parent

wsgi_app = "webapp.wsgi:application"
# A slow upload holds one thread, not a process, and may take hours: of threads, `timeout` below only watches
# that their process lives. gunicorn has no limit of its own on bodies; ours are in RequestLimitMiddleware. A
# connection that falls silent while it sends a piece is given up by webapp.api.uploads.
worker_class = "gthread"
workers = 2
threads = 4
preload_app = True  # load the site once and share its memory
timeout = 300  # a worker that is silent for so long is stuck
# Well inside the 10 s in which everything must stop. An upload by tus that this cuts goes on by itself later.
graceful_timeout = 5
keepalive = 5
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - a worker's sign of life must not wait for a slow disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def post_fork(server: Any, worker: Any) -> None:
    die_with_parent(server.pid)
