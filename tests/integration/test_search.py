"""Real searches on a real site: broker, workers and engine processes, and what happens when they die."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.integration.site import Api, digit, end
from tests.launch import Launched, processes_of, wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found by Linux's /proc"),
    pytest.mark.timeout(600),
]
START_SECONDS = 120.0  # until a first network is being trained, on a machine that does other things, too


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with Launched(tmp_path_factory.mktemp("site") / "data", SLOTS="2", LOST_AFTER_SECONDS="12") as launched:
        yield launched


@pytest.fixture(scope="module")
def api(site: Launched) -> Api:
    return Api(site)


@pytest.fixture(scope="module")
def dataset(api: Api) -> int:
    return api.add_digits()


def test_pictures_become_a_network_that_answers_alike_here_and_in_its_bundle(
    api: Api, dataset: int, tmp_path: Path
) -> None:
    search = api.post("/searches", {"dataset": dataset, "budget_minutes": 0.7, "seed": 1})
    done = api.wait_for(search["id"], 180, state="finished")
    assert done["trials"] >= 3
    model = api.get(f"/models/{done['model']}")
    assert model["state"] == "final"
    assert model["test"]["accuracy"] > 0.7
    assert model["test"]["n"] == sum(sum(row) for row in model["test"]["confusion"])
    assert model["parity"]["max_abs_diff"] < 1e-3
    trials = api.get(f"/searches/{search['id']}/trials")
    assert {"majority", "linear_probe", "network"} <= {trial["kind"] for trial in trials}

    picture = digit(1, 60)  # none of those it has learned from
    status, body = api.raw(f"/models/{model['id']}/predict", picture, "image/png")
    assert status == 200
    here = {p["label"]: p["probability"] for p in json.loads(body)["predictions"]}
    there = ask_bundle(api, model["id"], picture, tmp_path)
    assert here == pytest.approx(there, abs=1e-3)
    assert sum(here.values()) == pytest.approx(1, abs=1e-3)


def test_search_outlives_its_engines_and_its_worker(site: Launched, api: Api, dataset: int) -> None:
    search = api.post("/searches", {"dataset": dataset, "budget_minutes": 1.5, "seed": 2})["id"]
    api.wait_for(search, START_SECONDS, phase="search")
    wait_until(lambda: kill_engines_in_a_trial(site, api, search), 60, "a trial to kill")
    failed = [trial for trial in api.get(f"/searches/{search}/trials") if trial["state"] == "failed"]
    assert failed
    assert all("ran out of memory" in trial["error"] for trial in failed)

    workers = find(site, "celery", "train")
    assert workers
    for pid in workers:
        end(pid, signal.SIGKILL)
    wait_until(lambda: not set(workers) & set(processes_of(site.data_dir)), 10, "the end of the worker")
    wait_until(lambda: bool(find(site, "celery", "train")), 60, "another worker")

    done = api.wait_for(search, 240, state="finished")
    assert api.get(f"/models/{done['model']}")["state"] == "final"
    wait_until(lambda: not find(site, "search_engine", "work"), 30, "the end of every engine")


def test_cancel_keeps_the_best_so_far(site: Launched, api: Api, dataset: int) -> None:
    search = api.post("/searches", {"dataset": dataset, "budget_minutes": 30, "seed": 3})["id"]
    wait_until(lambda: api.get(f"/searches/{search}")["model"] is not None, START_SECONDS, "a first model")
    api.post(f"/searches/{search}/cancel")
    done = api.wait_for(search, 60, state="cancelled")
    model = api.get(f"/models/{done['model']}")
    assert model["state"] == "final"
    assert model["test"]["n"] > 0
    status, _ = api.raw(f"/models/{model['id']}/predict", digit(0, 60), "image/png")
    assert status == 200
    wait_until(lambda: not find(site, "search_engine", "work"), 30, "the end of every engine")


def find(site: Launched, *words: str) -> list[int]:
    found = processes_of(site.data_dir)
    return [pid for pid, command in found.items() if all(word in command for word in words)]


def kill_engines_in_a_trial(site: Launched, api: Api, search: int) -> bool:
    """Kill the engines if one of them is certainly training: they are halted before we look."""
    engines = find(site, "search_engine", "work")
    for pid in engines:
        end(pid, signal.SIGSTOP)
    running = [t["number"] for t in api.get(f"/searches/{search}/trials") if t["state"] == "running"]
    for pid in engines:
        end(pid, signal.SIGKILL if running else signal.SIGCONT)
    if not running:
        return False

    def one_failed() -> bool:
        states = {t["number"]: t["state"] for t in api.get(f"/searches/{search}/trials")}
        return any(states[number] == "failed" for number in running)

    wait_until(one_failed, 30, "the failure of the trial")
    return True


def ask_bundle(api: Api, model: int, picture: bytes, folder: Path) -> dict[str, float]:
    """What the downloaded bundle says about a picture, in a process that knows nothing of us."""
    status, body = api.raw(f"/models/{model}/bundle")
    assert status == 200
    with zipfile.ZipFile(BytesIO(body)) as archive:
        archive.extractall(folder)
    (folder / "picture.png").write_bytes(picture)
    said = subprocess.run(
        [sys.executable, "-I", "infer.py", "picture.png"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {p["label"]: p["probability"] for p in json.loads(said.stdout)["predictions"]}
