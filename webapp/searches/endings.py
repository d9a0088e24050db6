"""How a search ends, and what becomes of a slot's work when its process does."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from webapp.searches.claims import held, lock_search
from webapp.searches.models import LogLine, Search, Slot, Trial
from webapp.searches.narration import describe_failure, note, trial_name
from webapp.searches.replay import EXPORT_FAILED, EXPORT_HOPELESS

MAX_TRIAL_ATTEMPTS = 2


def settle(search: Search, reason: str = "") -> None:
    """End a search for good: with the model it has, or with the reason why it has none.

    Call it inside a transaction. Slots that still run lose their claim and notice at their next heartbeat.
    """
    search.refresh_from_db()
    if search.is_over or search.is_paused:
        return
    has_model = Search.objects.filter(pk=search.pk, model__isnull=False).exists()
    if search.stop_requested:
        state = Search.State.CANCELLED
    else:
        state = Search.State.FINISHED if has_model else Search.State.FAILED
    error = "" if state != Search.State.FAILED else reason or failure_reason(search)
    Search.objects.filter(pk=search.pk).update(
        state=state, phase=Search.Phase.DONE, error=error, progress={}, finished_at=timezone.now()
    )
    waiting = (Trial.State.QUEUED, Trial.State.RUNNING)
    search.trials.filter(state__in=waiting).update(state=Trial.State.CANCELLED, finished_at=timezone.now())
    search.slots.update(state=Slot.State.DONE, claim="", doing="")
    if error:
        note(search, f"The search failed: {error}", LogLine.Level.ERROR)
    else:
        _note_model(search)
    search.refresh_from_db()


def _note_model(search: Search) -> None:
    """What there is to say about the model that a search ends with, if it was not finished just now."""
    model = Search.objects.filter(pk=search.pk, model__isnull=False).values_list(
        "model__state", "model__card"
    )
    state, card = model.first() or (None, {})
    if state is None:
        note(search, "Stopped before any network was ready.")
    elif state == "provisional":
        note(
            search,
            "Ended with the network that was ready before: finishing it was not possible, so it has no test "
            "figures. It can be used all the same.",
            LogLine.Level.WARNING,
        )
    elif card.get("round", 0) == search.round:
        return
    elif search.trials.filter(error_kind=EXPORT_HOPELESS).exists():
        text = "A better network was found but could not be finished. The model from before is kept."
        note(search, text, LogLine.Level.WARNING)
    else:
        note(
            search,
            "No better network was found, so the model stays as it is, and no test picture was looked at.",
        )


def failure_reason(search: Search) -> str:
    """Why a search has no model, from its rows."""
    if search.plan is None:
        return (
            "The processes that were to measure this machine ended before they had. Start the search again."
        )
    trials = search.trials.exclude(error="").order_by("-number")
    broken = trials.filter(state=Trial.State.FINISHED).first()
    if broken:
        return f"The best network could not be made into a file: {broken.error}"
    failed = trials.filter(state=Trial.State.FAILED).first()
    if failed:
        return f"No network could be trained. The last one failed because: {failed.error}"
    return "The time was over before a network was trained. Start again with a larger budget."


def leave(slot: Slot, reason: str = "") -> None:
    """The slot has nothing more to do; the last one to leave ends the search."""
    with held(slot):
        search = lock_search(slot.search_id)
        Slot.objects.filter(pk=slot.pk).update(state=Slot.State.DONE, claim="", doing="")
        others = search.slots.exclude(state=Slot.State.DONE).exists()
        if reason:
            note(search, f"{reason} {'The others go on.' if others else ''}".strip(), LogLine.Level.ERROR)
        if not others:
            settle(search, reason)


def fail_trial(trial: Trial, message: str, kind: str) -> None:
    """A trial did not work out; the search goes on. Only the slot that runs it may say so."""
    changed = Trial.objects.filter(pk=trial.pk, state=Trial.State.RUNNING).update(
        state=Trial.State.FAILED, error=message, error_kind=kind[:24], finished_at=timezone.now()
    )
    if changed:
        note(trial.search, describe_failure(trial, message), LogLine.Level.WARNING)


def fail_export(trial: Trial, message: str) -> None:
    """A trained network could not be made into a file; it is tried once more, then left out."""
    again = trial.error_kind == EXPORT_FAILED
    Trial.objects.filter(pk=trial.pk).update(
        error=message, error_kind=EXPORT_HOPELESS if again else EXPORT_FAILED
    )
    note(
        trial.search,
        f"{trial_name(trial)} could not be made into a file: {message}",
        LogLine.Level.WARNING,
    )


def release_work(slot: Slot, reason: str) -> None:
    """What a lost slot had in hand: its trial waits for another slot, or fails the second time."""
    for trial in slot.trials.filter(state=Trial.State.RUNNING).select_related("search"):
        if trial.attempts >= MAX_TRIAL_ATTEMPTS:
            fail_trial(trial, "Its process died twice.", "crashed")
        else:
            Trial.objects.filter(pk=trial.pk).update(state=Trial.State.QUEUED, slot=None)
    if slot.doing.startswith("export "):
        number = int(slot.doing.split()[1])
        fail_export(slot.search.trials.select_related("search").get(number=number), reason)


def requeue_slot(slot: Slot, *, max_attempts: int) -> bool:
    """Give a lost slot back to the queue; False if it was tried too often and is done instead."""
    again = slot.attempts < max_attempts
    lost = Slot.objects.filter(
        pk=slot.pk, claim=slot.claim, heartbeat_at=slot.heartbeat_at, state=Slot.State.RUNNING
    )
    with transaction.atomic():
        lock_search(slot.search_id)
        state = Slot.State.QUEUED if again else Slot.State.DONE
        if not lost.update(state=state, claim="", doing="", enqueued_at=timezone.now()):
            return False
        release_work(slot, "the process that was doing it was lost.")
        if again:
            note(slot.search, "A worker was lost; another one takes over its work.", LogLine.Level.WARNING)
        else:
            note(slot.search, "A worker was lost too often; it is not replaced.", LogLine.Level.ERROR)
    return again
