"""Starting, stopping and deleting searches; pausing and adding minutes have modules of their own.

The moves of a running search are in ``steps`` and ``slot``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from webapp.core.errors import UserError
from webapp.datasets.versions import seal_version
from webapp.searches import files
from webapp.searches.choices import DEFAULTS, SearchChoices, best_network, check_choices
from webapp.searches.claims import lock_search
from webapp.searches.models import LogLine, Search, Slot
from webapp.searches.narration import minutes_in_words, note
from webapp.searches.pausing import queue_slots, restart
from webapp.searches.readiness import check_budget, check_version
from webapp.searches.replay import elapsed

if TYPE_CHECKING:
    from webapp.accounts.models import User
    from webapp.datasets.models import DatasetVersion


def start_search(
    *,
    owner: User,
    version: DatasetVersion | None,
    budget_minutes: float,
    seed: int = 0,
    max_trials: int | None = None,
    choices: SearchChoices = DEFAULTS,
) -> Search:
    """Make a search and send its slots to the workers.

    Raises:
        UserError: the pictures cannot be trained on, or the budget or a choice makes no sense; says what to
            do.
    """
    if version is None:
        raise UserError(
            code="no_pictures", message="This dataset has no pictures yet. Add some first, then train."
        )
    check_budget(budget_minutes)
    check_version(version)
    choices = choices.settled()
    check_choices(choices, owner=owner, version=version)
    best = best_network(choices.start_from) if choices.start_from else None
    with transaction.atomic():
        seal_version(version=version)
        search = Search.objects.create(
            owner=owner,
            version=version,
            budget_minutes=budget_minutes,
            seed=seed,
            max_trials=max_trials,
            slot_count=max(1, settings.SLOTS),
            strategy=choices.strategy,
            space=choices.space,
            trunk=choices.trunk,
            fidelity=choices.fidelity,
            saving=choices.saving,
            objective=choices.objective,
            random_share=choices.random_share,
            prefilter=choices.prefilter,
            early_stop=choices.early_stop,
            ensemble=choices.ensemble,
            max_latency_ms=choices.max_latency_ms,
            max_parameters=choices.max_parameters,
            start=best.genome if best else None,
            start_from=choices.start_from,
        )
        note(search, f"Asked for a network within {minutes_in_words(budget_minutes)}. Waiting for a worker.")
        Slot.objects.bulk_create(Slot(search=search, index=index) for index in range(search.slot_count))
        queue_slots(search)
    return search


def stop_search(search: Search) -> None:
    """Ask a search to stop and keep the best so far. Asking twice, or too late, does no harm."""
    with transaction.atomic():
        lock_search(search.pk)
        search.refresh_from_db()
        if search.is_over or search.is_finishing:
            return
        search.stop_requested = True
        if search.started_at is None:
            search.state, search.phase = Search.State.CANCELLED, Search.Phase.DONE
            search.finished_at, search.paused_at = timezone.now(), None
            search.save()
            search.slots.update(state=Slot.State.DONE, claim="", doing="")
            note(search, "Stopped before it began.")
            return
        search.save(update_fields=["stop_requested"])
        if search.is_paused:
            restart(search)  # finishing the best network is work, too
        note(search, "Asked to stop. The best network so far is kept.")


def delete_search(search: Search) -> None:
    """Delete a search with its model and all its files.

    Its slots vanish with it: a worker that still runs one notices at its next heartbeat and ends.
    """
    pk = search.pk
    with transaction.atomic():
        search.delete()
        transaction.on_commit(lambda: _remove_files(pk), robust=True)


def _remove_files(search_pk: int) -> None:
    # A worker that has not noticed yet may write while we delete; what that leaves, the hourly sweep removes.
    with suppress(OSError):
        files.remove_below(files.data_dir() / "searches", files.run_folder(search_pk))
    with suppress(OSError):
        files.remove_below(files.models_root(), files.model_folder(search_pk))


def seconds_left(search: Search) -> float:
    """Seconds of the budget that are left, as of now; the whole budget before the start, 0 when over."""
    if search.is_over:
        return 0.0
    return max(0.0, search.budget_minutes * 60 - elapsed(search))


def latest_log(search: Search, count: int = 200) -> list[LogLine]:
    """The last lines of the search's log, oldest first."""
    return list(reversed(search.log_lines.order_by("-id")[:count]))
