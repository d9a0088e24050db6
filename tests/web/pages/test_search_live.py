"""A search while it runs."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.web.pages.reading import read, words
from tests.web.searches.making import add_trial, make_search, running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.searches.models import Search, Trial
from webapp.searches.narration import note

HTMX = {"HX-Request": "true"}


def after(search: Search, seconds: float) -> datetime:
    assert search.started_at
    return search.started_at + timedelta(seconds=seconds)


def tried(search: Search, *accuracies: float, **values: Any) -> None:
    for number, accuracy in enumerate(accuracies):
        finished = after(search, 6 * (number + 1))
        add_trial(search, accuracy=accuracy, finished_at=finished, latency_ms=10.0 + number, **values)


def tag_of(answer: Any) -> str:
    found = re.search(r'If-None-Match": "\\"(\w+)', answer.content.decode())
    assert found
    return found[1]


def chart_data(answer: Any) -> Any:
    found = re.search(r'id="chart-data" type="application/json">(.*?)</script>', answer.content.decode())
    assert found
    return json.loads(found[1])


def test_waiting_search_says_what_it_waits_for(alice_client: Client, alice: User) -> None:
    search = make_search(alice)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "A worker takes it up as soon as one is free." in text
    assert "No candidate yet" in text


def test_it_says_how_good_the_best_is(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    tried(search, 0.3, 0.8, 0.914, 0.85)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "91 of 100 right: the best so far" in text
    assert "Network 2, on pictures it did not learn from. 4 candidates tried." in text
    assert "Stop and keep best" in text


def test_newest_candidates_come_first(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    tried(search, 0.3, 0.8, 0.9, 0.85)
    text = read(alice_client, f"/searches/{search.pk}/").split("Trained for ")[1]
    places = [
        text.index(name) for name in ("Network 3", "Network 2", "Plain transfer learning", "Always naming")
    ]
    assert places == sorted(places)


def test_only_the_newest_are_sent_while_it_runs(
    alice_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.searches.views.board.NEWEST", 2)
    search = running_search(alice)
    tried(search, 0.3, 0.8, 0.9, 0.85, 0.86)
    text = read(alice_client, f"/searches/{search.pk}/").split("Trained for ")[1]
    assert "Network 4" in text
    assert "Network 3" in text
    assert "Network 2" not in text
    assert "And 3 earlier ones." in text


def test_questions_to_the_database_do_not_grow_with_the_candidates(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    live = f"/searches/{search.pk}/live/"
    asked = []
    for accuracies in ((0.3, 0.4), [0.4 + number / 100 for number in range(30)]):
        tried(search, *accuracies)
        running = add_trial(search, state=Trial.State.RUNNING)
        running.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.4, seconds=1.0)
        with CaptureQueriesContext(connection) as news:
            page = alice_client.get(live)
        with CaptureQueriesContext(connection) as none:
            alice_client.get(live, headers={**HTMX, "If-None-Match": f'"{tag_of(page)}"'})
        asked.append((len(news), len(none)))
    assert asked[1] <= asked[0]
    assert asked[1][1] < asked[1][0]


def test_failed_and_running_candidates_are_told_apart(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    tried(search, 0.3, 0.8)
    add_trial(search, state=Trial.State.FAILED, error="It ran out of memory.")
    running = add_trial(search, state=Trial.State.RUNNING, origin=Trial.Origin.RANDOM, epochs_planned=5)
    running.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.4, seconds=1.0)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "Network 2 – Failed Search" in text
    assert "Network 3 – Training 1 of 5 Random" in text


def test_charts_show_each_arm_and_what_it_must_beat(alice_client: Client, alice: User) -> None:
    search = running_search(alice, elapsed=60)
    tried(search, 0.3, 0.8, 0.85, 0.84, 0.9)
    add_trial(
        search, accuracy=0.82, origin=Trial.Origin.RANDOM, finished_at=after(search, 42), latency_ms=9.0
    )
    data = chart_data(alice_client.get(f"/searches/{search.pk}/"))
    assert data["best"]["probe"] == pytest.approx(80)
    ours, random = data["best"]["ours"], data["best"]["random"]
    assert [point["y"] for point in ours["minutes"]] == pytest.approx([85, 90])
    assert [point["x"] for point in ours["minutes"]] == pytest.approx([0.3, 0.5])
    assert [point["x"] for point in ours["networks"]] == [1, 3]
    assert (ours["count"], random["count"]) == (3, 1)
    assert random["minutes"] == [{"x": 0.7, "y": pytest.approx(82)}]
    assert data["best"]["title"] == "Network 4 beats plain transfer learning by 10.0 of 100 pictures"
    assert [dot["origin"] for dot in data["scatter"]["dots"]] == ["control", *["strategy"] * 3, "random"]


@pytest.mark.parametrize(
    ("strategy", "count", "words"),
    [
        ("evolution", 3, "Trying a few networks by chance, to begin with the best of them."),
        ("reinforce", 9, "A controller proposes networks, and learns from each result which building blocks"),
        ("predictor", 5, "Trying the first 6 networks by chance; from them it learns to predict"),
        ("auto", 9, "The budget affords about 3 networks: too few to learn from"),
    ],
)
def test_it_says_what_it_is_doing(
    alice_client: Client, alice: User, strategy: str, count: int, words: str
) -> None:
    search = running_search(alice, strategy=strategy)
    tried(search, *[0.5] * (count + 2))
    text = read(alice_client, f"/searches/{search.pk}/")
    assert f"What it is doing {words}" in text
    assert "Now and then a network is drawn at random" in text


def test_model_can_be_tried_before_the_end(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    tried(search, 0.3, 0.8)
    assert "Try the best so far" not in read(alice_client, f"/searches/{search.pk}/")
    make_model(alice, search=search, final=False)
    assert "Try the best so far" in read(alice_client, f"/searches/{search.pk}/")


def test_news_are_sent_only_if_there_are_any(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    page = alice_client.get(f"/searches/{search.pk}/")
    live = f"/searches/{search.pk}/live/"
    same = alice_client.get(live, headers={**HTMX, "If-None-Match": f'"{tag_of(page)}"'})
    assert (same.status_code, same.content) == (304, b"")
    tried(search, 0.3)
    news = alice_client.get(live, headers={**HTMX, "If-None-Match": f'"{tag_of(page)}"'})
    assert news.status_code == 200
    assert b"<html" not in news.content
    assert "Always naming the most common label" in words(news)
    assert tag_of(news) != tag_of(page)


@pytest.mark.parametrize("change", ["log", "phase", "stop", "epoch"])
def test_every_change_is_news(alice_client: Client, alice: User, change: str) -> None:
    search = running_search(alice)
    trial = add_trial(search, state=Trial.State.RUNNING)
    before = tag_of(alice_client.get(f"/searches/{search.pk}/"))
    if change == "log":
        note(search, "Something happened.")
    elif change == "phase":
        Search.objects.update(phase=Search.Phase.FINISH)
    elif change == "stop":
        Search.objects.update(stop_requested=True)
    else:
        trial.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.4, seconds=1.0)
    assert tag_of(alice_client.get(f"/searches/{search.pk}/live/", headers=HTMX)) != before


def test_page_is_loaded_again_when_the_search_is_over(alice_client: Client, alice: User) -> None:
    search = make_search(alice, state=Search.State.FINISHED, finished_at=timezone.now())
    answer = alice_client.get(f"/searches/{search.pk}/live/", headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"


def test_stop_asks_the_search_to_finish(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    text = words(alice_client.post(f"/searches/{search.pk}/stop/", follow=True))
    search.refresh_from_db()
    assert search.stop_requested
    assert "The search is stopping." in text
    assert "Stop and keep best" not in text


@pytest.mark.parametrize("part", ["", "live/", "delete/"])
def test_stranger_gets_404(charlie_client: Client, alice: User, part: str) -> None:
    search = running_search(alice)
    assert charlie_client.get(f"/searches/{search.pk}/{part}").status_code == 404


def test_stranger_stops_nothing(charlie_client: Client, alice: User) -> None:
    search = running_search(alice)
    assert charlie_client.post(f"/searches/{search.pk}/stop/").status_code == 404
    search.refresh_from_db()
    assert not search.stop_requested
