"""Signals as something to wait for: the launcher sleeps until a child dies or somebody asks it to stop."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Counts the requests to stop while it is entered."""

    def __init__(self) -> None:
        self.stops = 0

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)  # never blocks
        self._before = {number: signal.getsignal(number) for number in (*STOPPING, signal.SIGCHLD)}
        for number in STOPPING:
            # Under nohup a hang-up is ignored already, and that is what the person wants.
            if self._before[number] is not signal.SIG_IGN or number != signal.SIGHUP:
                signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, self._woken)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *error: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> None:
        """Sleep until a signal comes, or for so many seconds."""
        select.select([self._reader], [], [], seconds)
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1

    def _woken(self, number: int, frame: FrameType | None) -> None:
        """Nothing to do: the byte in the wake-up socket is what ends the wait."""
