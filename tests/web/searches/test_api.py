"""Searches over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.factories import make_dataset, make_version
from tests.web.searches.making import GENOME, add_trial, claimed, make_search, run_slot, running_search
from webapp.accounts.models import User
from webapp.searches.models import Search

URL = "/api/v1/searches"


def test_it_starts_a_search(alice: User, alice_api: Client) -> None:
    version = make_version(alice, each=20)
    body = {"dataset": version.dataset_id, "budget_minutes": 2, "seed": 5}
    answer = alice_api.post(URL, body, content_type="application/json")
    assert answer.status_code == 201
    data = answer.json()
    search = Search.objects.get(owner=alice)
    assert data["id"] == search.pk
    assert (data["dataset"], data["version"], data["seed"]) == (version.dataset_id, 1, 5)
    assert (data["state"], data["phase"], data["budget_minutes"]) == ("queued", "waiting", 2)
    assert (data["trials"], data["best_accuracy"], data["model"], data["error"]) == (0, None, None, None)
    assert data["seconds_left"] == 120


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"budget_minutes": 0.1}, 400, "bad_budget"),
        ({"budget_minutes": "long"}, 400, "invalid"),
        ({"seed": -1}, 400, "invalid"),
        ({"objective": "mnasnet"}, 400, "bad_choice"),
        ({"objective": "speed"}, 400, "unknown_objective"),
        ({"random_share": -0.1}, 400, "bad_choice"),
        ({"dataset": 999_999}, 404, "not_found"),
    ],
)
def test_it_refuses_nonsense_in_a_sentence(
    alice: User, alice_api: Client, change: dict[str, object], status: int, code: str
) -> None:
    body = {"dataset": make_version(alice, each=20).dataset_id, "budget_minutes": 2} | change
    answer = alice_api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"].endswith(".")
    assert not Search.objects.exists()


def test_it_takes_and_tells_what_experts_choose(alice: User, alice_api: Client) -> None:
    chosen = {
        "objective": "mnasnet",
        "max_latency_ms": 8.0,
        "saving": "pictures",
        "random_share": 0.25,
        "prefilter": True,
        "early_stop": False,
    }
    body = {"dataset": make_version(alice, each=20).dataset_id, "budget_minutes": 2, **chosen}
    data = alice_api.post(URL, body, content_type="application/json").json()
    assert {name: data[name] for name in chosen} == chosen
    search = Search.objects.get()
    assert {name: getattr(search, name) for name in chosen} == chosen


def test_the_best_of_a_search_is_who_earned_most_by_its_objective(alice: User, alice_api: Client) -> None:
    search = running_search(alice, objective="mnasnet", max_latency_ms=10.0)
    add_trial(search, accuracy=0.4, latency_ms=1.0)
    add_trial(search, accuracy=0.8, latency_ms=20.0)
    add_trial(search, accuracy=0.9, latency_ms=80.0)
    add_trial(search, accuracy=0.88, latency_ms=10.0)
    assert alice_api.get(f"{URL}/{search.pk}").json()["best_accuracy"] == 0.88
    trials = alice_api.get(f"{URL}/{search.pk}/trials").json()
    assert [trial["number"] for trial in trials] == [3, 2, 1, 0]


def test_it_refuses_a_data_set_without_pictures(alice: User, alice_api: Client) -> None:
    body = {"dataset": make_dataset(alice).pk, "budget_minutes": 2}
    answer = alice_api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "no_pictures")


def test_it_shows_a_running_search(alice: User, alice_api: Client) -> None:
    search = running_search(alice, progress={"text": "Training", "done": 1, "total": 2})
    add_trial(search, accuracy=0.4)
    add_trial(search, accuracy=0.8)
    add_trial(search, state="running")
    data = alice_api.get(f"{URL}/{search.pk}").json()
    assert (data["state"], data["phase"]) == ("running", "search")
    assert data["progress"] == {"text": "Training", "done": 1, "total": 2}
    assert (data["trials"], data["best_accuracy"]) == (2, 0.8)
    assert 0 < data["seconds_left"] < 120


def test_it_shows_the_end_and_the_leaderboard(alice: User, alice_api: Client) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), fail={"train 2": "The loss is not a number."})
    data = alice_api.get(f"{URL}/{search.pk}").json()
    assert (data["state"], data["phase"], data["trials"], data["best_accuracy"]) == (
        "finished",
        "done",
        4,
        0.91,
    )
    assert data["seconds_left"] == 0
    assert alice_api.get(f"/api/v1/models/{data['model']}").json()["state"] == "final"

    trials = alice_api.get(f"{URL}/{search.pk}/trials").json()
    assert [t["number"] for t in trials] == [4, 3, 1, 0, 2, 5, 6]
    assert [(t["kind"], t["members"]) for t in trials[-2:]] == [
        ("ensemble", [{"trial": 4, "weight": 1.0}]),
        ("refit", []),
    ]
    best, failed = trials[0], trials[-3]
    assert (best["kind"], best["state"], best["accuracy"], best["standard_error"]) == (
        "network",
        "finished",
        0.91,
        0.05,
    )
    assert best["genome"]["trunk"]["name"] == "efficientnet_lite0"
    assert len(best["genome_hash"]) == 16
    assert (best["parameters"], best["macs"], best["size_bytes"]) == (3_400_000, 120_000_000, 13_600_000)
    assert (best["latency_ms"], best["seconds"]) == (9.5, 0.1)
    assert (failed["state"], failed["error"]) == ("failed", "The loss is not a number.")


def test_cancel_is_answered_with_the_search(alice: User, alice_api: Client) -> None:
    search = make_search(alice)
    answer = alice_api.post(f"{URL}/{search.pk}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_list_shows_ones_own_searches(alice: User, alice_api: Client, bob: User) -> None:
    search = make_search(alice)
    make_search(bob)
    assert [each["id"] for each in alice_api.get(URL).json()] == [search.pk]


@pytest.mark.parametrize("path", ["", "/trials"])
def test_stranger_finds_nothing(alice: User, charlie_api: Client, path: str) -> None:
    assert charlie_api.get(f"{URL}/{make_search(alice).pk}{path}").status_code == 404


def test_stranger_stops_and_starts_nothing(alice: User, charlie_api: Client) -> None:
    search = make_search(alice)
    assert charlie_api.post(f"{URL}/{search.pk}/cancel").status_code == 404
    body = {"dataset": search.version.dataset_id, "budget_minutes": 2}
    assert charlie_api.post(URL, body, content_type="application/json").status_code == 404
    assert list(Search.objects.values_list("state", flat=True)) == ["queued"]


def test_nobody_is_let_in_without_a_token(alice: User, client: Client) -> None:
    search = make_search(alice)
    assert client.get(f"{URL}/{search.pk}").status_code == 401
    assert client.post(f"{URL}/{search.pk}/cancel").status_code == 401


def test_it_takes_every_choice_and_shows_it(alice: User, alice_api: Client) -> None:
    version = make_version(alice, each=20)
    earlier = make_search(alice, version=version, state="finished", space="macro")
    add_trial(earlier)
    add_trial(earlier)
    add_trial(earlier, genome=GENOME)
    choices = {
        "strategy": "local",
        "space": "macro",
        "fidelity": "halving",
        "max_latency_ms": 30.0,
        "max_parameters": 900_000,
        "start_from": earlier.pk,
    }
    body = {"dataset": version.dataset_id, "budget_minutes": 2, **choices}
    answer = alice_api.post(URL, body, content_type="application/json")
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in choices} == choices


def test_it_refuses_choices_in_a_sentence(alice: User, alice_api: Client) -> None:
    body = {"dataset": make_version(alice, each=20).dataset_id, "budget_minutes": 2, "strategy": "magic"}
    answer = alice_api.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_strategy")


def test_it_starts_from_no_strangers_search(alice: User, charlie: User, alice_api: Client) -> None:
    theirs = make_search(charlie)
    version = make_version(alice, each=20)
    body = {"dataset": version.dataset_id, "budget_minutes": 2, "start_from": theirs.pk}
    assert alice_api.post(URL, body, content_type="application/json").status_code == 404


def test_pause_resume_and_more_minutes(alice: User, alice_api: Client) -> None:
    search = running_search(alice, elapsed=20)
    paused = alice_api.post(f"{URL}/{search.pk}/pause").json()
    assert (paused["state"], paused["phase"]) == ("paused", "search")
    assert 98 < paused["seconds_left"] <= 100
    longer = extend(alice_api, search, 5)
    assert (longer["state"], longer["budget_minutes"]) == ("paused", 7)
    resumed = alice_api.post(f"{URL}/{search.pk}/resume").json()
    assert (resumed["state"], resumed["round"]) == ("running", 0)
    assert 398 < resumed["seconds_left"] <= 400


def test_finished_search_goes_on(alice: User, alice_api: Client) -> None:
    search = make_search(alice, max_trials=2)
    run_slot(claimed(search))
    refusal = alice_api.post(f"{URL}/{search.pk}/extend", {"minutes": 3}, content_type="application/json")
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "nothing_left")
    Search.objects.filter(pk=search.pk).update(max_trials=None)
    again = extend(alice_api, search, 3)
    assert (again["state"], again["round"], again["finished_at"]) == ("running", 1, None)
    assert 175 < again["seconds_left"] <= 180


def test_moves_that_make_no_sense_are_refused_in_a_sentence(alice: User, alice_api: Client) -> None:
    search = make_search(alice, state="failed")
    for move, code in (("pause", "search_over"), ("resume", "search_over"), ("extend", "search_failed")):
        answer = alice_api.post(f"{URL}/{search.pk}/{move}", {"minutes": 5}, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
        assert answer.json()["error"]["message"].endswith(".")


@pytest.mark.parametrize("minutes", [0, 1441, "many", None])
def test_minutes_that_make_no_sense_are_refused(alice: User, alice_api: Client, minutes: object) -> None:
    search = running_search(alice)
    body = {"minutes": minutes}
    answer = alice_api.post(f"{URL}/{search.pk}/extend", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("move", ["pause", "resume", "extend"])
def test_stranger_moves_nothing(alice: User, charlie_api: Client, client: Client, move: str) -> None:
    search = running_search(alice)
    body = {"minutes": 5}
    for stranger, status in ((charlie_api, 404), (client, 401)):
        answer = stranger.post(f"{URL}/{search.pk}/{move}", body, content_type="application/json")
        assert answer.status_code == status
    search.refresh_from_db()
    assert (search.state, search.budget_minutes) == ("running", 2)


def extend(api: Client, search: Search, minutes: float) -> dict[str, Any]:
    answer = api.post(f"{URL}/{search.pk}/extend", {"minutes": minutes}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()
    return data
