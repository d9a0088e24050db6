"""Adding minutes: to a search that goes on, and to one that is over, which begins its next round.

A round ends with a final export of its own. Why the sealed test pictures may be opened once more then, and
what is said about it, is in decision 7.
"""

from __future__ import annotations

import math

from django.db import transaction
from django.utils import timezone

from webapp.core.errors import UserError
from webapp.searches.claims import lock_search
from webapp.searches.models import Search, Trial
from webapp.searches.narration import minutes_in_words, note
from webapp.searches.pausing import queue_slots, refuse_finishing
from webapp.searches.readiness import MAX_MINUTES, MIN_MINUTES
from webapp.searches.replay import EXPORT_FAILED, EXPORT_HOPELESS, elapsed
from webapp.searches.steps import anything_left, networks


def extend_search(search: Search, minutes: float) -> None:
    """Give a search more time; one that is over goes on where it ended.

    Raises:
        UserError: the minutes make no sense, the search failed or is being finished just now, or it is over
            and nothing is left to try, however long it may take.
    """
    with transaction.atomic():
        lock_search(search.pk)
        search.refresh_from_db()
        if search.state == Search.State.FAILED:
            raise UserError(
                code="search_failed",
                message="The search failed, so there is nothing to go on with. Put right what it says, then "
                "train again.",
                status=409,
            )
        refuse_finishing(search, "Add minutes as soon as that is done.")
        check_addition(_spent_minutes(search), minutes)
        if search.can_go_on:
            _begin_round(search, minutes)
            _refuse_used_up(search)
        else:
            search.budget_minutes += minutes
            search.save(update_fields=["budget_minutes"])
            note(search, f"{_capitalised(minutes)} added.")


def check_addition(present: float, minutes: float) -> None:
    """Refuse minutes that no search can use, or that make it longer than a search may be."""
    if not (math.isfinite(minutes) and minutes >= MIN_MINUTES):
        raise UserError(
            code="bad_budget", message="Add at least half a minute; in less, no network can be tried."
        )
    if present + minutes > MAX_MINUTES:
        raise UserError(
            code="bad_budget",
            message=f"A search may take {MAX_MINUTES:.0f} minutes (one day) in all, and this one has "
            f"{minutes_in_words(present)} already. Add fewer.",
        )


def _spent_minutes(search: Search) -> float:
    """The budget as it is or, of a search that is over, what it has used of it: it may have ended early."""
    return elapsed(search) / 60 if search.can_go_on else search.budget_minutes


def _begin_round(search: Search, minutes: float) -> None:
    now = timezone.now()
    search.budget_minutes = _spent_minutes(search) + minutes
    if search.started_at is None:  # stopped before it began
        search.state, search.phase = Search.State.QUEUED, Search.Phase.WAITING
    else:
        search.state = Search.State.RUNNING
        # Engines are fresh, so they look at the pictures first, which the cache makes short.
        search.phase = Search.Phase.PREPARE if search.plan else Search.Phase.MEASURE
        search.paused_seconds += (now - (search.finished_at or now)).total_seconds()
    search.round += 1
    search.continued_at = now
    search.finished_at = None
    search.stop_requested = False
    search.progress = {}
    search.save()
    _take_up_trials(search)
    note(search, f"Goes on for {minutes_in_words(minutes)} more.")
    queue_slots(search)


def _refuse_used_up(search: Search) -> None:
    """Refuse a round that would end as soon as it begins, whatever its budget.

    Called once the round has begun, so that what is asked is what a slot would ask; the refusal undoes it.
    """
    if search.plan is None:
        return
    minutes, search.budget_minutes = search.budget_minutes, MAX_MINUTES  # never saved
    left = anything_left(search)
    search.budget_minutes = minutes
    if left:
        return
    if search.max_trials and networks(search).count() >= search.max_trials:
        why = f"All {search.max_trials} networks that this search was to try are tried"
    else:
        why = "This search has tried everything new that it can propose"
    raise UserError(
        code="nothing_left",
        message=f"{why}, so more minutes would change nothing. Start another search: on other pictures, "
        "among other networks, or from the best network of this one.",
        status=409,
    )


def _take_up_trials(search: Search) -> None:
    """What the end of the last round cut short is trained now; what could not be exported may be again."""
    cut = search.trials.filter(state=Trial.State.CANCELLED).exclude(origin=Trial.Origin.FINISH)
    cut.update(state=Trial.State.QUEUED, slot=None, attempts=0, started_at=None, finished_at=None)
    search.trials.filter(error_kind__in=(EXPORT_FAILED, EXPORT_HOPELESS)).update(error="", error_kind="")


def _capitalised(minutes: float) -> str:
    words = minutes_in_words(minutes)
    return words[0].upper() + words[1:]
