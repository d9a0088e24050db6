"""Start everything, keep it alive, stop it in order."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.conf import settings
from django.db import connections

from webapp.accounts.services import ensure_setup_code
from webapp.launcher import prepare
from webapp.launcher.broker import Broker
from webapp.launcher.child import Child, rotate, tail, trim
from webapp.launcher.errors import LaunchError
from webapp.launcher.lock import only_launcher
from webapp.launcher.signals import Signals

BROKER_SECONDS = 20.0
READY_SECONDS = 120.0  # a cold disk and a busy machine; a healthy start takes a few
POLITE_SECONDS = (
    4.0  # between "please stop" and "stop", first for the children and then for the broker; 10 in all
)
LOG_CHECK_SECONDS = 60.0


class Launcher:
    """For one data folder: broker (unless REDIS_URL names one), three Celery workers, beat, web server."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.logs = settings.DATA_DIR / "logs"
        self.broker: Broker | None = None
        self.children: list[Child] = []
        self.env = {
            **os.environ,
            "DATA_DIR": str(settings.DATA_DIR),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self) -> None:
        """Until somebody asks to stop.

        Raises:
            LaunchError: it cannot start.
        """
        os.umask(0o077)  # what we and our children write is for us alone
        prepare.make_folders(settings.DATA_DIR)
        with Signals() as signals, only_launcher(settings.DATA_DIR):
            listener = prepare.listen(settings.HOST, settings.PORT)
            try:
                self.say("Starting Netwright.")
                prepare.migrate()
                prepare.collect_static()
                self._start(listener)
                if self._wait_until_ready(listener, signals):
                    self._greet(listener)
                    self._keep_alive(signals)
            finally:
                self._stop(signals)
                listener.close()

    def _start(self, listener: socket.socket) -> None:
        if not settings.REDIS_URL:
            self.broker = Broker(
                settings.DATA_DIR, log=self._log("broker"), env=self.env, cwd=settings.BASE_DIR
            )
            self.broker.child.start()
            self.broker.wait(BROKER_SECONDS)
            self.env["REDIS_URL"] = self.broker.url
        run = secrets.token_hex(3)  # node names are unique, whatever else uses the same broker
        celery = [sys.executable, "-m", "celery", "-A", "webapp.celery"]
        worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        descriptor = listener.fileno()
        self._add(
            "web server", [sys.executable, "-m", "gunicorn", "--bind", f"fd://{descriptor}"], descriptor
        )
        self._add("worker", [*worker, "-Q", "default", "-c", "2", "-n", f"default.{run}@%h"])
        self._add(
            "training worker", [*worker, "-Q", "train", "-c", str(settings.TRAINERS), "-n", f"train.{run}@%h"]
        )
        # One process that does one chore at a time, whatever the two others are busy with.
        self._add("chores worker", [*worker, "-Q", "chores", "-P", "solo", "-n", f"chores.{run}@%h"])
        self._add("clock", [*celery, "beat", "--loglevel", "INFO", "--pidfile", ""])

    def _add(self, name: str, command: list[str], *pass_fds: int) -> None:
        child = Child(
            name, command, log=self._log(name), env=self.env, cwd=settings.BASE_DIR, pass_fds=pass_fds
        )
        self.children.append(child)
        child.start()

    def _log(self, name: str) -> Path:
        log = self.logs / f"{name.replace(' ', '-')}.log"
        rotate(log)
        return log

    def _wait_until_ready(self, listener: socket.socket, signals: Signals) -> bool:
        """Whether the health page answered; False if we were asked to stop before.

        Raises:
            LaunchError: it never does.
        """
        deadline = time.monotonic() + READY_SECONDS
        web = self.children[0]
        while not signals.stops:
            status = self._health(listener)
            if status == 200:
                return True
            dead = next((child for child in self.children if child.bury()), None)
            if dead or status == 500 or time.monotonic() > deadline:
                broken = dead or web
                raise LaunchError(
                    f"The {broken.name} did not start. The end of {broken.log}:\n{tail(broken.log)}"
                )
            signals.wait(0.2)
        return False

    def _health(self, listener: socket.socket) -> int | None:
        """What the health page answers: 200, 503 while a part is missing, 500 if the site is broken."""
        host, port = listener.getsockname()[:2]
        connection = HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=5)  # noqa: S104
        allowed = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
        try:
            # As the proxy in front would ask it, so that an https-only site answers too.
            connection.request("GET", "/healthz", headers={"Host": allowed, "X-Forwarded-Proto": "https"})
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def _greet(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        self.say(f"Netwright is ready at http://{shown}:{port}/")
        code = ensure_setup_code()
        connections.close_all()
        if code:
            self.say(f"Create your account there with this set-up code: {code}")
        self.say("Ctrl-C stops it.")

    def _keep_alive(self, signals: Signals) -> None:
        everyone = [self.broker.child, *self.children] if self.broker else self.children
        logs_checked = time.monotonic()
        while not signals.stops:
            now = time.monotonic()
            for child in everyone:
                died = child.bury()
                if died:
                    self.say(died)
                elif child.process is None and now >= child.start_again_at:
                    child.start()
                    self.say(f"The {child.name} was started again.")
            if now - logs_checked > LOG_CHECK_SECONDS:
                logs_checked = now
                for child in everyone:
                    trim(child.log)
            pauses = [child.start_again_at - now for child in everyone if child.process is None]
            signals.wait(max(0.05, min([*pauses, LOG_CHECK_SECONDS])))

    def _stop(self, signals: Signals) -> None:
        """Everybody is asked, and killed if that does not help; the broker goes last: others need it."""
        if self.children:
            self.say("Stopping.")
        self._end(self.children, signals)
        if self.broker:
            self._end([self.broker.child], signals)
            self.broker.close()

    def _end(self, children: list[Child], signals: Signals) -> None:
        impatient = signals.stops + 1
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + POLITE_SECONDS
        left = children
        while left and time.monotonic() < deadline and signals.stops < impatient:
            signals.wait(0.1)
            for child in left:
                child.bury()
            left = [child for child in left if child.process is not None]
        for child in left:
            child.kill()
