from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.core.processes import die_with_parent
from webapp.launcher.errors import LaunchError
from webapp.launcher.launcher import Launcher


class Command(BaseCommand):
    help = (
        "Starts everything: the message broker (unless REDIS_URL is set), the workers, the clock and the "
        "web server. Settings come from the environment: DATA_DIR, HOST, PORT and the others in the README."
    )
    requires_system_checks = ()  # they import every page; the web server runs them at its own start

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stop-with-parent", action="store_true", help="stop when the process that started it is gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["stop_with_parent"]:
            die_with_parent(number=signal.SIGTERM)
        try:
            Launcher(self._say).run()
        except LaunchError as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
