"""How a decoding child and its parent talk: a frame is a small JSON object and some bytes."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

SIZES = struct.Struct("!II")  # bytes of the JSON, and of what follows it


class Pipe:
    """An end of a pipe.

    Args:
        descriptor: of the file.
        timed: whether to give up at ``deadline`` (seconds of ``time.monotonic``) instead of waiting for ever.
    """

    def __init__(self, descriptor: int, *, timed: bool = False) -> None:
        self.descriptor = descriptor
        self.timed = timed
        self.deadline = 0.0
        os.set_blocking(descriptor, not timed)

    def read(self, count: int) -> bytes:
        """So many bytes.

        Raises:
            EOFError: the other side is gone.
            TimeoutError: the deadline has passed.
        """
        data = bytearray()
        while len(data) < count:
            self._wait(for_reading=True)
            piece = os.read(self.descriptor, min(count - len(data), 1024**2))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def write(self, data: bytes) -> None:
        """All of the bytes.

        Raises:
            BrokenPipeError: the other side is gone.
            TimeoutError: the deadline has passed.
        """
        rest = memoryview(data)
        while rest:
            self._wait(for_reading=False)
            rest = rest[os.write(self.descriptor, rest) :]

    def _wait(self, *, for_reading: bool) -> None:
        if not self.timed:
            return
        poll = select.poll()  # unlike select, whatever the number of the descriptor
        poll.register(self.descriptor, select.POLLIN if for_reading else select.POLLOUT)
        if not poll.poll(max(0.0, self.deadline - time.monotonic()) * 1000):
            raise TimeoutError


def write_frame(pipe: Pipe, head: dict[str, Any], body: bytes) -> None:
    text = json.dumps(head).encode()
    pipe.write(SIZES.pack(len(text), len(body)) + text)
    pipe.write(body)


def read_frame(pipe: Pipe) -> tuple[dict[str, Any], bytes]:
    """The next frame. Raises as ``Pipe.read``."""
    text, body = SIZES.unpack(pipe.read(SIZES.size))
    head: dict[str, Any] = json.loads(pipe.read(text))
    return head, pipe.read(body)
