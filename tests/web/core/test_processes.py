"""Children end with their group, and with us."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from webapp.core import processes

ROOT = Path(__file__).resolve().parents[3]
SAY_AND_WAIT = "print('ready', flush=True); import time; time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAY_AND_WAIT
# starts a child of its own, which says its number, in the same group
PARENT_OF_ONE = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); child.wait()"
)
# spawns as the site does, says the child's number, and waits to be killed
SPAWNER = (
    "import sys, time; from webapp.core.processes import spawn;"
    "child = spawn([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


def gone(pid: int) -> bool:
    """Wait for a process that is not our child to end, without asking again and again."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle) as process:
        return bool(select.select([process], [], [], 20)[0])


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_child_leads_a_group_of_its_own() -> None:
    child = processes.spawn([sys.executable, "-c", SAY_AND_WAIT], stdout=subprocess.PIPE, text=True)
    assert first_line(child) == "ready"
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    assert processes.stop(child) == -signal.SIGTERM


def test_stop_ends_what_does_not_listen() -> None:
    child = processes.spawn([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True)
    assert first_line(child) == "ready"
    assert processes.stop(child, grace=0.1) == -signal.SIGKILL


def test_stop_ends_the_children_of_the_child() -> None:
    child = processes.spawn([sys.executable, "-c", PARENT_OF_ONE], stdout=subprocess.PIPE, text=True)
    grandchild = int(first_line(child))
    processes.stop(child)
    assert gone(grandchild)


def test_stop_of_what_has_ended_gives_its_code() -> None:
    child = processes.spawn([sys.executable, "-c", "raise SystemExit(3)"])
    assert child.wait(timeout=30) == 3
    assert processes.stop(child) == 3


def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", SPAWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(first_line(parent))
    parent.kill()
    parent.wait(timeout=30)
    assert gone(child)
