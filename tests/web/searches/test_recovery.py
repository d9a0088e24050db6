"""Slots whose worker died: their work goes to others, and nothing waits for ever."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tests.web.searches.making import (
    Enqueued,
    add_trial,
    claimed,
    log_of,
    make_search,
    run_slot,
    running_search,
)
from webapp.accounts.models import User
from webapp.searches.models import Search, Slot
from webapp.searches.tasks import requeue_lost

LONG_AGO = timedelta(hours=1)


def fall_silent(slot: Slot, doing: str = "") -> None:
    Slot.objects.filter(pk=slot.pk).update(heartbeat_at=timezone.now() - LONG_AGO, doing=doing)


def test_silent_slot_is_queued_again_with_its_trial(alice: User, enqueued: Enqueued) -> None:
    search = running_search(alice)
    slot = claimed(search)
    trial = add_trial(search, state="running", slot=slot, attempts=1)
    fall_silent(slot, "train 0")
    requeue_lost()
    slot.refresh_from_db()
    trial.refresh_from_db()
    assert (slot.state, slot.claim, slot.doing) == ("queued", "", "")
    assert (trial.state, trial.slot) == ("queued", None)
    assert enqueued == [("run_slot", (slot.pk,))]
    assert any("another one takes over" in line for line in log_of(search))


def test_trial_that_lost_its_process_twice_fails(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    trial = add_trial(search, state="running", slot=slot, attempts=2)
    fall_silent(slot)
    requeue_lost()
    trial.refresh_from_db()
    assert (trial.state, trial.error) == ("failed", "Its process died twice.")


def test_slot_that_gives_signs_of_life_is_left_alone(alice: User, enqueued: Enqueued) -> None:
    slot = claimed(running_search(alice))
    requeue_lost()
    slot.refresh_from_db()
    assert slot.state == Slot.State.RUNNING
    assert enqueued == []


def test_lost_export_is_remembered(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    trial = add_trial(search)
    fall_silent(slot, "export 0")
    requeue_lost()
    trial.refresh_from_db()
    assert (trial.state, trial.error_kind) == ("finished", "export")


def test_slot_that_was_lost_too_often_is_given_up_and_the_search_says_why(
    alice: User, enqueued: Enqueued
) -> None:
    search = running_search(alice)
    slot = claimed(search)
    Slot.objects.filter(pk=slot.pk).update(attempts=5)
    fall_silent(slot)
    requeue_lost()
    slot.refresh_from_db()
    search.refresh_from_db()
    assert slot.state == Slot.State.DONE
    assert enqueued == []
    assert search.state == Search.State.FAILED
    assert search.error


def test_message_that_was_lost_is_sent_again_once(alice: User, enqueued: Enqueued) -> None:
    search = make_search(alice)
    slot = search.slots.get()
    requeue_lost()
    assert enqueued == []
    Slot.objects.filter(pk=slot.pk).update(enqueued_at=timezone.now() - LONG_AGO)
    requeue_lost()
    requeue_lost()
    assert enqueued == [("run_slot", (slot.pk,))]


def test_search_that_nobody_works_on_fails_with_a_reason(alice: User) -> None:
    search = running_search(alice)
    add_trial(search, state="failed", error="The loss is not a number.")
    search.slots.update(state=Slot.State.DONE)
    requeue_lost()
    search.refresh_from_db()
    assert search.state == Search.State.FAILED
    assert "The loss is not a number." in search.error


def test_search_whose_slots_were_lost_before_it_began_fails_with_a_reason(alice: User) -> None:
    search = make_search(alice)
    slot = claimed(search)
    Slot.objects.filter(pk=slot.pk).update(attempts=5)
    fall_silent(slot)
    requeue_lost()
    search.refresh_from_db()
    assert (search.state, search.phase) == (Search.State.FAILED, Search.Phase.DONE)
    assert "Start the search again" in search.error


def test_slot_that_trains_again_is_forgiven_its_losses(alice: User) -> None:
    search = running_search(alice, max_trials=1)
    Slot.objects.filter(search=search).update(attempts=4)
    run_slot(claimed(search))
    assert search.trials.filter(state="finished").exists()
    assert search.slots.get().attempts == 0
