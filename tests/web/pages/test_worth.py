"""What a search was worth, on its leaderboard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests.web.pages.reading import read
from tests.web.searches.arms import scored
from tests.web.searches.making import PLAN, add_trial, make_search, running_search
from webapp.accounts.models import User
from webapp.searches.models import Search, Trial
from webapp.searches.views.ranking import best_of

RANDOM = Trial.Origin.RANDOM


@pytest.fixture
def search(alice: User) -> Search:
    """A search whose best network came after it had as many tries as the random arm."""
    search = make_search(alice, state=Search.State.FINISHED, phase=Search.Phase.DONE, plan=PLAN.to_dict())
    scored(search, 20)
    scored(search, 150)
    scored(search, 160)
    scored(search, 158, origin=RANDOM)
    scored(search, 155)
    scored(search, 140, origin=RANDOM)
    scored(search, 190)
    return search


def chart(client: Client, search: Search) -> Any:
    page = client.get(f"/searches/{search.pk}/").content.decode()
    found = re.search(r'id="chart-data" type="application/json">(.*?)</script>', page)
    assert found
    return json.loads(found[1])["best"]


def test_arms_of_different_size_are_compared_at_equal_numbers(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/")
    fair = text[text.index("The best of the search's first 2 networks, against the best of 2") :]
    assert fair.split("The best of all")[0].split("random ")[1].startswith("Network 2 against network 3")
    assert "1.0 of 100 better" in fair
    assert "on the same 200 pictures: that may be chance. As many tries on either side." in fair


def test_all_networks_are_said_to_have_had_more_tries(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/")
    everything = text[text.index("The best of all 3 networks of the search") :]
    assert "16.0 of 100 better" in everything
    assert "The search had more tries, and more tries find more by luck alone." in everything


def test_gain_over_plain_transfer_learning_has_its_interval(alice_client: Client, search: Search) -> None:
    text = read(alice_client, f"/searches/{search.pk}/")
    probe = text[text.index("The best network, against plain transfer learning") :]
    found = re.search(
        r"20\.0 of 100 better 95 % interval \+(\d+\.\d) to \+(\d+\.\d), on the same 200 pictures\. ", probe
    )
    assert found
    assert float(found[1]) < 20.0 < float(found[2])


def test_old_searches_that_wrote_down_no_pictures_say_so(alice_client: Client, search: Search) -> None:
    search.trials.update(right="")
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "20.0 of 100 better How sure that is cannot be said" in text


def test_networks_that_agree_on_every_picture_are_said_to(alice_client: Client, search: Search) -> None:
    first = search.trials.get(number=2)
    search.trials.filter(number=3).update(accuracy=first.accuracy, right=first.right)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "No difference Both are right on the very same of 200 pictures. As many tries" in text


def test_chart_marks_where_both_arms_had_as_many(alice_client: Client, search: Search) -> None:
    data = chart(alice_client, search)
    assert data["fair"] == {"count": 2, "ours": 80.0, "random": 79.0}
    assert data["text"] == (
        "The best of the search's first 2 networks: 80.0 of 100 right; the best of 2 drawn at random: 79.0. "
        "So few say little."
    )
    assert [(p["x"], p["y"]) for p in data["ours"]["networks"]] == [(1, 80.0), (3, 95.0)]


def test_without_a_random_network_nothing_is_compared(alice_client: Client, search: Search) -> None:
    search.trials.filter(origin=RANDOM).delete()
    assert chart(alice_client, search)["fair"] is None
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "No network at random has been tried yet, so nothing is compared." in text
    assert "against the best of" not in text


def test_repeats_cost_nothing_and_so_are_no_tries(alice_client: Client, search: Search) -> None:
    scored(search, 190, repeat_of=6)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "The best of all 3 networks of the search" in text
    assert "Network 7 same as 6" in text


def test_network_that_was_trained_briefly_cannot_win(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    search.plan = {**PLAN.to_dict(), "epochs": 12}
    search.save()
    scored(search, 20)
    scored(search, 150)
    scored(search, 190)
    scored(search, 180, rung=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webapp.searches.replay.rungs", lambda config, plan: (4, 12))
        text = read(alice_client, f"/searches/{search.pk}/")
        best = best_of(list(search.trials.all()))
    assert best is not None
    assert best.number == 3
    assert "Network 2 trained briefly" in text
    assert "Network 3 trained briefly" not in text


def test_as_many_networks_are_not_as_much_training_where_there_are_rungs(
    alice_client: Client, alice: User
) -> None:
    search = running_search(alice, fidelity="halving")
    search.plan = {**PLAN.to_dict(), "epochs": 12}
    search.save()
    scored(search, 20)
    scored(search, 150)
    scored(search, 160, rung=1)
    scored(search, 158, rung=1, origin=RANDOM)
    Search.objects.filter(pk=search.pk).update(state=Search.State.FINISHED, phase=Search.Phase.DONE)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "As many networks on either side, but not as much training" in text
    assert "As many tries on either side" not in text


def test_under_another_objective_the_page_says_what_is_counted(alice_client: Client, search: Search) -> None:
    Search.objects.filter(pk=search.pk).update(objective="mnasnet", max_latency_ms=10.0)
    search.trials.update(latency_ms=10.0)
    search.trials.filter(number=6).update(latency_ms=1000.0)  # 190 right, and a hundred times too slow
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "in accuracy that a slow network has to pay for" in text
    everything = text[text.index("The best of all 3 networks of the search") :]
    assert "Network 2 against network 3" in everything
    best = best_of(list(Search.objects.get().trials.all()))
    assert best
    assert best.number == 2


def test_training_that_was_ended_early_is_marked(alice_client: Client, search: Search) -> None:
    search.trials.filter(number=4).update(killed=True)
    assert "Network 4 ended early" in read(alice_client, f"/searches/{search.pk}/")


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [("max_latency_ms", 20.0, "too slow"), ("max_parameters", 1_000_000, "too large")],
)
def test_network_beyond_a_limit_is_marked_and_cannot_win(
    alice: User, limit: str, value: float, words: str
) -> None:
    search = make_search(alice, state=Search.State.FINISHED, phase=Search.Phase.DONE, plan=PLAN.to_dict())
    Search.objects.filter(pk=search.pk).update(**{limit: value})
    search.refresh_from_db()
    add_trial(search, accuracy=0.2)
    add_trial(search, accuracy=0.7)
    add_trial(search, accuracy=0.8, latency_ms=10.0, parameters=900_000)
    add_trial(search, accuracy=0.9, latency_ms=30.0, parameters=2_000_000)
    client = Client()
    client.force_login(alice)
    best = best_of(list(search.trials.all()))
    assert best is not None
    assert best.number == 2
    text = read(client, f"/searches/{search.pk}/")
    assert "Network 2 did best" in text
    assert f"Network 3 {words}" in text
    assert f"Network 2 {words}" not in text
    candidate = read(client, f"/searches/{search.pk}/candidates/3/")
    assert f"It is {words} for the limit of this search, so it cannot win." in candidate
