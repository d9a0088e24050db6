"""The engine process: commands on standard input, events on standard output, torch only in here.

Start it with ``python -m search_engine work``. It ends when its input ends. Whoever runs it may kill it at
any time: everything it leaves behind is written in one step.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from search_engine.commands import (
    Combine,
    Doubt,
    Export,
    Measure,
    Open,
    Prepare,
    Refit,
    Stop,
    Supernet,
    Train,
)
from search_engine.config import Plan, SearchConfig
from search_engine.errors import Cancelled, SearchEngineError, SettingsError, TrialFailed
from search_engine.events import (
    Failed,
    Log,
    Measured,
    Message,
    Prepared,
    Progress,
    Stopped,
    from_line,
    to_line,
)

if TYPE_CHECKING:
    from search_engine.session import Session

PROGRESS_SECONDS = 0.5  # progress events of one text are at least this far apart


class Worker:
    """Runs commands one after the other; a ``Stop`` that arrives meanwhile ends the one at work."""

    def __init__(self, commands: TextIO, events: TextIO) -> None:
        self._commands = commands
        self._events = events
        self._queue: queue.Queue[Message | None] = queue.Queue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._last_progress = ("", 0.0)

    def emit(self, event: Message) -> None:
        """Write one event line; progress is thinned out, everything else always goes out."""
        if isinstance(event, Progress) and not self._worth_telling(event):
            return
        with self._lock:
            self._events.write(to_line(event) + "\n")
            self._events.flush()

    def run(self) -> None:
        """Serve until the input ends."""
        threading.Thread(target=self._read, daemon=True).start()
        while (command := self._queue.get()) is not None:
            if isinstance(command, Stop):
                continue  # arrived between two commands: nothing to end
            self._stop.clear()
            self._serve(command)

    def _read(self) -> None:
        for line in self._commands:
            if not line.strip():
                continue
            try:
                command = from_line(line)
            except (ValueError, TypeError) as error:
                self.emit(Failed(command="unknown", kind="error", message=f"Not a command: {error}"))
                continue
            if isinstance(command, Stop):
                self._stop.set()
            self._queue.put(command)
        self._stop.set()
        self._queue.put(None)

    def _worth_telling(self, event: Progress) -> bool:
        text, at = self._last_progress
        now = time.monotonic()
        if event.text == text and now - at < PROGRESS_SECONDS and event.done < event.total:
            return False
        self._last_progress = (event.text, now)
        return True

    def _serve(self, command: Message) -> None:
        number = getattr(command, "number", None)
        try:
            self.emit(self._answer(command))
        except Cancelled:
            self.emit(Stopped(command=command.name, number=number))
        except TrialFailed as error:
            self.emit(Failed(command=command.name, kind=error.kind, message=str(error), number=number))
        except SettingsError as error:
            self.emit(Failed(command=command.name, kind="settings", message=str(error), number=number))
        except SearchEngineError as error:
            self.emit(Failed(command=command.name, kind="error", message=str(error), number=number))
        except Exception as error:
            kind, message = _explain(error)
            self.emit(Log(level="error", text=traceback.format_exc(limit=8)))
            self.emit(Failed(command=command.name, kind=kind, message=message, number=number))

    def _answer(self, command: Message) -> Message:
        if isinstance(command, Open):
            from search_engine.session import Session

            self._session = Session(command, self, self._stop.is_set)
            return self._session.opened()
        if self._session is None:
            raise SearchEngineError(f"The engine got {command.name!r} before it was told which data to open.")
        answers: dict[type[Message], Callable[[], Message]] = {
            Measure: lambda: self._measure(self._session, command),  # type: ignore[arg-type]
            Prepare: lambda: self._prepare(self._session, command),  # type: ignore[arg-type]
            Train: lambda: self._session.train(command),  # type: ignore[union-attr,arg-type]
            Supernet: lambda: self._session.supernet(command),  # type: ignore[union-attr,arg-type]
            Combine: lambda: self._session.combine(command),  # type: ignore[union-attr,arg-type]
            Refit: lambda: self._session.refit(command),  # type: ignore[union-attr,arg-type]
            Export: lambda: self._session.export(command),  # type: ignore[union-attr,arg-type]
            Doubt: lambda: self._session.doubt(command),  # type: ignore[union-attr,arg-type]
        }
        if type(command) not in answers:
            raise SearchEngineError(f"The engine does not know the command {command.name!r}.")
        return answers[type(command)]()

    @staticmethod
    def _measure(session: Session, command: Measure) -> Message:
        return Measured(plan=session.measure(SearchConfig.from_dict(command.config)).to_dict())

    @staticmethod
    def _prepare(session: Session, command: Prepare) -> Message:
        started = time.monotonic()
        pictures = session.prepare(Plan.from_dict(command.plan))
        return Prepared(pictures=pictures, seconds=time.monotonic() - started)


def _explain(error: Exception) -> tuple[str, str]:
    """The kind of failure and a sentence for people."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    lowered = text.lower()
    if isinstance(error, MemoryError) or "out of memory" in lowered or "not enough memory" in lowered:
        return "out_of_memory", "This network needed more memory than there is."
    if isinstance(error, OSError) and error.errno == 28:
        return "disk_full", "The disk is full. Make room, then start the search again."
    return "error", f"{type(error).__name__}: {text}"


def main() -> None:
    """Serve commands on standard input. Whatever libraries print goes to standard error."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    commands = os.fdopen(os.dup(0), "r", encoding="utf-8")
    Worker(commands, events).run()
