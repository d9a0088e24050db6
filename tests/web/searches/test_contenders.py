"""What is called the best everywhere may win: it is within the limits of its search, and trained in full."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from search_engine.events import SupernetDone, Trained
from tests.web.factories import make_version
from tests.web.searches.making import PLAN, add_trial, claimed, log_of, make_search, running_search
from webapp.accounts.models import User
from webapp.searches import recovery, steps
from webapp.searches.choices import best_network
from webapp.searches.claims import lock_search
from webapp.searches.models import Search, Trial
from webapp.searches.pausing import queue_slots
from webapp.searches.recording import Recorder
from webapp.searches.steps import next_step

URL = "/api/v1/searches"
GENOME = {"any": "network"}


def test_network_beyond_a_limit_is_best_nowhere(alice: User, alice_api: Client) -> None:
    search = running_search(alice, max_latency_ms=10.0)
    for _ in range(3):
        add_trial(search, latency_ms=5.0, genome=GENOME)
    able = search.trials.get(number=2)
    add_trial(search, accuracy=0.99, latency_ms=50.0, genome=GENOME)
    assert alice_api.get(f"{URL}/{search.pk}").json()["best_accuracy"] == able.accuracy
    assert best_network(search) == able


def test_short_training_is_not_the_best_of_a_search(alice: User, alice_api: Client) -> None:
    search = running_search(alice, fidelity="halving")
    search.plan = {**PLAN.to_dict(), "epochs": 27}
    search.save()
    probe = [add_trial(search) for _ in range(2)][1]
    add_trial(search, accuracy=0.9, rung=0)
    assert alice_api.get(f"{URL}/{search.pk}").json()["best_accuracy"] == probe.accuracy


@pytest.mark.parametrize(("latency", "ending"), [(5.0, ": the best so far."), (50.0, "pictures.")])
def test_log_crowns_no_network_beyond_a_limit(alice: User, latency: float, ending: str) -> None:
    search = running_search(alice, max_latency_ms=10.0)
    for _ in range(2):
        add_trial(search, latency_ms=5.0)
    trial = add_trial(search, state="running")
    event = Trained(
        number=trial.number,
        accuracy=0.9,
        standard_error=0.01,
        loss=0.1,
        parameters=1,
        macs=1,
        latency_ms=latency,
        size_bytes=1,
        epochs=1,
        seconds=1.0,
    )
    Recorder(claimed(search)).trained(trial, event)
    assert log_of(search)[-1].endswith(ending)


def test_shared_weights_know_the_clock_of_a_slot_that_came_before_the_start(alice: User) -> None:
    search = make_search(alice, strategy="enas")
    slot = claimed(search)
    started = timezone.now() - timedelta(seconds=100)
    Search.objects.filter(pk=search.pk).update(state="running", started_at=started, plan=PLAN.to_dict())
    trial = Trial.objects.create(
        search=search, number=2, kind="supernet", origin="strategy", seed=1, state="running", slot=slot
    )
    done = SupernetDone(number=2, found=[], steps=1, scored=10, histogram={}, seconds=1.0)
    Recorder(slot).made(trial, done)
    trial.refresh_from_db()
    assert trial.clock == pytest.approx(100, abs=5)


def test_new_process_learns_what_was_tried_before_it_locks_the_search(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths, really = [], steps._plan_next

    def asked(search: Search) -> object:
        depths.append(len(connection.savepoint_ids))
        return really(search)

    monkeypatch.setattr(steps, "_plan_next", asked)
    slot = claimed(running_search(alice))
    outside = len(connection.savepoint_ids)
    next_step(slot, prepared=False)
    assert depths[0] == outside < depths[1]
    depths.clear()
    next_step(slot, prepared=True)
    assert outside not in depths


def test_search_that_goes_on_just_now_is_not_ended(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    search = running_search(alice)
    search.slots.update(state="done")

    def goes_on(pk: int) -> Search:
        queue_slots(search)
        return lock_search(pk)

    monkeypatch.setattr(recovery, "lock_search", goes_on)
    recovery.requeue_lost()
    search.refresh_from_db()
    assert search.state == Search.State.RUNNING


@pytest.mark.parametrize("millions", ["1e20", "1e305"])
def test_limit_that_no_column_holds_is_refused_in_the_form(
    alice: User, alice_client: Client, millions: str
) -> None:
    version = make_version(alice, each=20)
    answer = alice_client.post(
        f"/datasets/{version.dataset_id}/train/", {"budget": "10", "max_millions": millions}
    )
    assert answer.status_code == 400
    assert not Search.objects.exists()


def test_limit_that_no_column_holds_is_refused_by_the_api(alice: User, alice_api: Client) -> None:
    body = {"dataset": make_version(alice, each=20).dataset_id, "budget_minutes": 2, "max_parameters": 10**30}
    answer = alice_api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_limit")


def test_network_that_some_folds_never_judged_is_not_the_best_of_a_search(
    alice: User, alice_api: Client
) -> None:
    search = running_search(alice)
    search.plan = {**PLAN.to_dict(), "folds": 5}
    search.save()
    probe = [add_trial(search) for _ in range(2)][1]
    add_trial(search, accuracy=0.99, killed=True)
    assert alice_api.get(f"{URL}/{search.pk}").json()["best_accuracy"] == probe.accuracy
    trials = alice_api.get(f"{URL}/{search.pk}/trials").json()
    assert {trial["folds"] for trial in trials} == {5}
