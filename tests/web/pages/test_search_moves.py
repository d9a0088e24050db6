"""The buttons of a search: pause, resume, more minutes, and when there are which."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tests.web.pages.reading import read, words
from tests.web.pages.test_search_live import chart_data
from tests.web.searches.making import add_trial, claimed, make_search, run_slot, running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.searches.models import Search
from webapp.searches.pausing import pause_search

HTMX = {"HX-Request": "true"}


def press(client: Client, search: Search, move: str, **data: object) -> str:
    """The text of the page that pressing a button leads to."""
    answer = client.post(f"/searches/{search.pk}/{move}/", data, follow=True)
    assert answer.status_code == 200
    search.refresh_from_db()
    return words(answer)


def test_pause_and_resume(alice_client: Client, alice: User) -> None:
    search = running_search(alice, elapsed=30)
    assert "Pause" in read(alice_client, f"/searches/{search.pk}/")
    text = press(alice_client, search, "pause")
    assert search.state == Search.State.PAUSED
    assert "Paused, with 1:30 left" in text
    assert "until you resume it" in text
    assert "Stop and keep best" in text
    text = press(alice_client, search, "resume")
    assert search.state == Search.State.RUNNING
    assert "Resume" not in text.split("What happened")[0]


def test_clock_of_a_paused_search_does_not_count_down(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    assert b"data-ends" in alice_client.get(f"/searches/{search.pk}/").content
    pause_search(search)
    page = alice_client.get(f"/searches/{search.pk}/").content
    assert b"data-ends" not in page
    assert b"<progress" not in page


def test_minutes_are_added(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    text = press(alice_client, search, "extend", minutes="5")
    assert search.budget_minutes == 7
    assert "The search has 5 minutes more." in text
    assert "Asked for a network within 7 minutes." in text


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [
        ("", "Say how many minutes to add"),
        ("many", "Say how many minutes to add"),
        ("0.1", "Add at least half a minute"),
        ("1440", "Add fewer."),
    ],
)
def test_odd_minutes_are_refused(alice_client: Client, alice: User, minutes: str, sentence: str) -> None:
    search = running_search(alice)
    assert sentence in press(alice_client, search, "extend", minutes=minutes)
    assert search.budget_minutes == 2


def test_finished_search_offers_to_go_on(alice_client: Client, alice: User) -> None:
    search = running_search(alice, elapsed=60)
    add_trial(search)
    Search.objects.filter(pk=search.pk).update(
        state=Search.State.FINISHED, phase=Search.Phase.DONE, finished_at=timezone.now()
    )
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "Go on searching For how many minutes? Go on" in text
    assert "the sealed test pictures are opened once more" in text
    text = press(alice_client, search, "extend", minutes="3")
    assert (search.state, search.round) == (Search.State.RUNNING, 1)
    assert "The search goes on for 3 minutes more." in text
    assert "It goes on. You can leave this page" in text


def test_search_that_has_nothing_left_to_try_says_what_to_do(alice_client: Client, alice: User) -> None:
    search = make_search(alice, max_trials=2)
    run_slot(claimed(search))
    assert "Start another search" in press(alice_client, search, "extend", minutes="3")
    assert (search.state, search.round) == (Search.State.FINISHED, 0)


def test_failed_search_does_not_offer_to_go_on(alice_client: Client, alice: User) -> None:
    search = make_search(alice, state=Search.State.FAILED, error="The disk is full.")
    assert "Go on searching" not in read(alice_client, f"/searches/{search.pk}/")
    assert "there is nothing to go on with" in press(alice_client, search, "extend", minutes="3")


@pytest.mark.parametrize("change", [{"stop_requested": True}, {"phase": Search.Phase.FINISH}])
def test_there_are_no_buttons_while_it_finishes(
    alice_client: Client, alice: User, change: dict[str, object]
) -> None:
    search = running_search(alice)
    Search.objects.filter(pk=search.pk).update(**change)
    text = read(alice_client, f"/searches/{search.pk}/")
    for button in ("Pause", "Add minutes Minutes", "Stop and keep best"):
        assert button not in text
    assert "being finished just now" in press(alice_client, search, "pause")


def test_page_is_loaded_anew_when_other_buttons_fit(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    page = alice_client.get(f"/searches/{search.pk}/").content.decode()
    assert '"X-Controls": "going"' in page
    live = f"/searches/{search.pk}/live/"
    headers = {**HTMX, "X-Controls": "going"}
    assert alice_client.get(live, headers=headers).status_code == 200
    pause_search(search)
    assert alice_client.get(live, headers=headers).headers["HX-Refresh"] == "true"
    assert alice_client.get(live, headers={**HTMX, "X-Controls": "paused"}).status_code == 200


def test_charts_leave_pauses_out(alice_client: Client, alice: User) -> None:
    search = running_search(alice, elapsed=7200)
    for clock in (5, 9, 30):
        add_trial(search, clock=clock, finished_at=timezone.now())
    data = chart_data(alice_client.get(f"/searches/{search.pk}/"))
    assert [point["x"] for point in data["best"]["ours"]["minutes"]] == [0.5]


def test_paused_search_is_on_the_home_page(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    pause_search(search)
    assert "Under way Colours Paused" in read(alice_client, "/")


def test_model_says_how_often_its_test_pictures_were_opened(alice_client: Client, alice: User) -> None:
    model = make_model(alice)
    assert "Measured once, on 30 pictures" in read(alice_client, f"/models/{model.pk}/")
    model.card["test"]["opened"] = 2
    model.save()
    text = read(alice_client, f"/models/{model.pk}/")
    assert "they have been opened 2 times: after the first time" in text
    assert "nothing had looked at" not in text


@pytest.mark.parametrize("move", ["pause", "resume", "extend", "stop"])
def test_moves_are_posted_by_the_owner_with_a_token(
    alice_client: Client, charlie_client: Client, alice: User, move: str
) -> None:
    search = running_search(alice)
    address = f"/searches/{search.pk}/{move}/"
    assert alice_client.get(address).status_code == 405
    assert charlie_client.post(address, {"minutes": "5"}).status_code == 404
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    assert careful.post(address, {"minutes": "5"}).status_code == 403
    search.refresh_from_db()
    assert (search.state, search.budget_minutes, search.stop_requested) == ("running", 2, False)
