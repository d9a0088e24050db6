"""`make run`: it starts, says where it is, heals, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.launch import ROOT, STOP_SECONDS, Launched, environment, processes_of, wait_until
from webapp.launcher.broker import Broker
from webapp.launcher.lock import only_launcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="death with the parent is Linux's")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with Launched(tmp_path_factory.mktemp("site") / "data") as launched:
        yield launched


def refused(data_dir: Path, **settings: str) -> str:
    """What the launcher says when it will not start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "runall"],
        cwd=ROOT,
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def find(data_dir: Path, *words: str) -> list[int]:
    return [pid for pid, command in processes_of(data_dir).items() if all(word in command for word in words)]


def test_it_answers_and_gives_the_code_that_is_in_a_private_file(running: Launched) -> None:
    assert running.get("/healthz")[0] == 200
    code = running.data_dir / "setup-code"
    assert running.setup_code == code.read_text().strip() != ""
    assert code.stat().st_mode & 0o777 == 0o600


def test_data_folder_is_readable_by_its_owner_alone(running: Launched) -> None:
    paths = [running.data_dir, *running.data_dir.rglob("*")]
    open_to_others = [str(path) for path in paths if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_second_launcher_on_the_same_folder_is_refused(running: Launched) -> None:
    said = refused(running.data_dir)
    assert "already running" in said
    assert str(running.process.pid) in said
    assert running.get("/healthz")[0] == 200


def test_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path / "data", PORT=str(port))
    assert f"Port {port} on 127.0.0.1 cannot be used" in said
    assert f"PORT={port + 1}" in said
    assert processes_of(tmp_path / "data") == {}


def test_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be made" in refused(tmp_path / "file" / "data")


PARTS = [("gunicorn",), ("valkey-server",), ("beat",), ("-Q chores",)]


@pytest.mark.parametrize("words", PARTS, ids=lambda words: words[0])
def test_part_that_dies_is_started_again(running: Launched, words: tuple[str, ...]) -> None:
    before = set(find(running.data_dir, *words))
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    running.wait_for_line("was killed by SIGKILL", 10)
    running.wait_for_line("was started again", 10)
    wait_until(lambda: bool(set(find(running.data_dir, *words)) - before), 10, f"a new {words[0]}")
    wait_until(lambda: running.get("/healthz")[0] == 200, 30, "healthy again")


def start_and_count(data_dir: Path) -> Launched:
    launched = Launched(data_dir).__enter__()
    # web server and 2 workers; worker with 2; training worker with SLOTS; chores; clock; broker; the launcher
    wait_until(lambda: len(processes_of(data_dir)) >= 12, 30, "all processes")
    return launched


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_being_asked_to_stop_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    launched = start_and_count(tmp_path / "data")
    began = time.monotonic()
    launched.process.send_signal(number)
    assert launched.process.wait(STOP_SECONDS) == 0
    assert time.monotonic() - began < STOP_SECONDS
    assert processes_of(tmp_path / "data") == {}


def test_being_killed_leaves_no_process(tmp_path: Path) -> None:
    launched = start_and_count(tmp_path / "data")
    launched.process.kill()
    launched.process.wait()
    wait_until(lambda: processes_of(tmp_path / "data") == {}, STOP_SECONDS, "no process is left")


def test_killing_make_run_leaves_no_process(tmp_path: Path) -> None:
    with Launched(tmp_path / "data", command=("make", "run")) as launched:
        launched.process.kill()
        launched.process.wait()
        wait_until(lambda: processes_of(tmp_path / "data") == {}, STOP_SECONDS, "no process is left")


TRAIN_ON_THE_SAMPLE = """
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.datasets.services import import_sample
from webapp.searches.services import start_search
owner, fresh = User.objects.get_or_create(username="ada")
dataset = Dataset.objects.first() or import_sample(owner=owner)
if dataset.state == Dataset.State.READY:
    start_search(owner=owner, version=dataset.latest, budget_minutes=10)
print(dataset.state)
"""


def start_a_search(launched: Launched) -> bool:
    """Import the sample and train on it, as the pages do; False while the import still runs."""
    broker = f"redis+socket://{launched.data_dir}/broker/socket"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", TRAIN_ON_THE_SAMPLE],
        cwd=ROOT,
        env=environment(launched.data_dir, REDIS_URL=broker),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1] == "ready"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_search_in_progress_leaves_no_engine_behind(number: signal.Signals) -> None:
    # A short path: the broker's socket is found beneath it.
    with tempfile.TemporaryDirectory(prefix="nw-") as folder:
        data_dir = Path(folder) / "data"
        launched = Launched(data_dir).__enter__()
        wait_until(lambda: start_a_search(launched), 90, "a search has started")
        wait_until(lambda: bool(find(data_dir, "search_engine")), 60, "an engine process")
        began = time.monotonic()
        launched.process.send_signal(number)
        launched.process.wait(STOP_SECONDS)
        wait_until(lambda: processes_of(data_dir) == {}, STOP_SECONDS, "no process is left")
        assert time.monotonic() - began < STOP_SECONDS


def test_lock_is_free_again_after_the_launcher_has_gone(tmp_path: Path) -> None:
    with only_launcher(tmp_path):
        held = (tmp_path / "launcher.lock").read_text()
    assert held.strip() == str(os.getpid())
    with only_launcher(tmp_path):
        assert (tmp_path / "launcher.lock").exists()


def test_queued_messages_survive_a_restart_of_the_broker(tmp_path: Path) -> None:
    def broker() -> Broker:
        started = Broker(tmp_path, log=tmp_path / "broker.log", env=os.environ, cwd=ROOT)
        started.child.start()
        started.wait(10)
        return started

    first = broker()
    with redis.Redis(unix_socket_path=str(first.socket)) as client:
        client.rpush("train", "a message")
    first.child.ask_to_stop()
    assert first.child.process
    first.child.process.wait(10)

    second = broker()
    try:
        with redis.Redis(unix_socket_path=str(second.socket)) as client:
            assert client.lpop("train") == b"a message"
    finally:
        second.child.kill()
