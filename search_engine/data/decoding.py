"""Decode pictures of strangers in a child process, so that one that crashes or never ends costs only itself.

    python -m search_engine.data.decoding

The child reads pictures from its standard input and answers on its standard output (``frames``), one after
another. It may use so much more memory and, for each picture, so many seconds of processor time; what goes
beyond is stopped by the system. A child that nobody asks for a while ends, and one whose parent died, too.
"""

from __future__ import annotations

import math
import os
import resource
import select
import signal
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search_engine.data.examine import examine
from search_engine.data.frames import Pipe, read_frame, write_frame
from search_engine.data.limits import Limits
from search_engine.data.refusals import Reason, RefusedError

MEMORY = (
    2 * 1024**3
)  # bytes beyond the start; the largest picture that is allowed, in its worst mode, takes 1.1 GB
CPU_SECONDS = 30  # for a picture; the largest that is allowed takes 2 to 5
IDLE_SECONDS = 60.0


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted in a terminal ends us by hanging up
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get among the answers
    limit_memory()
    requests, replies = Pipe(0), Pipe(answers)
    while select.select([0], [], [], IDLE_SECONDS)[0]:
        try:
            head, data = read_frame(requests)
        except EOFError:
            return
        limit_time()
        write_frame(replies, *answer(head, data))


def answer(head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """What to say about one picture: facts and a thumbnail, or why it is refused."""
    try:
        found = examine(data, Limits(**head), with_thumbnail=True)
    except RefusedError as error:
        return {"code": str(error.code), "reason": str(error)}, b""
    except MemoryError:
        reason = "It takes more memory than a picture may. Save it again as JPEG or PNG, or make it smaller."
        return {"code": str(Reason.TOO_LARGE), "reason": reason}, b""
    facts = asdict(found.facts) if found.facts else None
    size = {"width": found.width, "height": found.height}
    return {"format": found.format, **size, "facts": facts}, found.thumbnail


def limit_memory() -> None:
    """Let the address space grow by ``MEMORY`` and no more."""
    with suppress(OSError, ValueError):  # not every system can
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def limit_time() -> None:
    """Have the system kill us when we have worked ``CPU_SECONDS`` from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
