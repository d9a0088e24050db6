"""An engine's events, written as rows and as lines of the log. Nothing is written without the claim."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

from django.utils import timezone

from search_engine.config import Plan
from search_engine.evaluate.bootstrap import unpack_bits
from search_engine.events import (
    Combined,
    EpochDone,
    Exported,
    Log,
    Measured,
    Message,
    Prepared,
    Progress,
    Refitted,
    SupernetDone,
    Trained,
)
from search_engine.ledger import found_by, members_of
from webapp.searches.claims import held, keep, lock_search
from webapp.searches.endings import settle
from webapp.searches.models import Epoch, LogLine, Search, Slot, Trial
from webapp.searches.narration import (
    describe_combined,
    describe_model,
    describe_pictures,
    describe_plan,
    describe_prepared,
    describe_refitted,
    describe_shared,
    describe_trained,
    note,
)
from webapp.searches.publishing import publisher
from webapp.searches.replay import contenders, earned, elapsed, search_plan

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0
"""A page asks every second or two; more writes would only wear the disk."""


class Recorder:
    """Writes what one slot's engine reports."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.search = slot.search
        self._progress_at = 0.0

    def record(self, event: Message) -> None:
        """An event that does not end its command."""
        if isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Log):
            self._log(event)

    def _progress(self, event: Progress) -> None:
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_SECONDS:
            return
        self._progress_at = now
        progress = {"text": event.text, "done": event.done, "total": event.total}
        with held(self.slot):
            Search.objects.filter(pk=self.search.pk).update(progress=progress)

    def _log(self, event: Log) -> None:
        if event.level == LogLine.Level.ERROR:
            # A traceback, for whoever keeps the site running; what failed is told to people in words.
            log.error("search %s, slot %s: %s", self.search.pk, self.slot.index, event.text)
            return
        level = event.level if event.level in LogLine.Level.values else LogLine.Level.INFO
        with held(self.slot):
            note(self.search, event.text, level)

    def _epoch(self, event: EpochDone) -> None:
        with held(self.slot):
            trial = self.search.trials.get(number=event.number)
            Epoch.objects.update_or_create(
                trial=trial,
                number=event.epoch,
                defaults={
                    "train_loss": event.train_loss,
                    "accuracy": event.accuracy,
                    "seconds": event.seconds,
                },
            )

    def measured(self, event: Measured) -> None:
        """The plan is made once; if two slots measured after all, the first one's plan stands."""
        plan = Plan.from_dict(event.plan)
        with held(self.slot):
            fresh = Search.objects.filter(pk=self.search.pk, plan__isnull=True)
            if fresh.update(plan=plan.to_dict(), phase=Search.Phase.PREPARE, progress={}):
                note(self.search, describe_plan(plan))
                for text in describe_pictures(plan):
                    note(self.search, text)

    def prepared(self, event: Prepared) -> None:
        with held(self.slot):
            moved = Search.objects.filter(pk=self.search.pk, phase=Search.Phase.PREPARE)
            if moved.update(phase=Search.Phase.SEARCH, progress={}):
                note(self.search, describe_prepared(event))

    def trained(self, trial: Trial, event: Trained) -> None:
        with held(self.slot):
            self.search.refresh_from_db()  # its clock
            Trial.objects.filter(pk=trial.pk, state=Trial.State.RUNNING).update(
                state=Trial.State.FINISHED,
                epochs=event.epochs,
                seconds=event.seconds,
                killed=event.killed,
                **_figures(event),
                clock=elapsed(self.search),
                finished_at=timezone.now(),
            )
            able = contenders(self.search)
            leader = able.order_by(earned().desc(), "number").first()
            best = leader is not None and leader.pk == trial.pk
            # It works here: what this slot was lost for before is forgiven, however long the search goes on.
            Slot.objects.filter(pk=self.slot.pk).update(attempts=0)
            note(self.search, describe_trained(trial, event, pictures=self._judged_on(event), best=best))

    def made(self, trial: Trial, event: SupernetDone | Combined | Refitted) -> None:
        """What is no single candidate: shared weights, an ensemble, or the winner's last training."""
        values: dict[str, Any]
        match event:
            case SupernetDone():
                values, text = {"found": [list(each) for each in found_by(event)]}, describe_shared(event)
            case Refitted():
                values, text = {"epochs": event.epochs}, describe_refitted(trial, event)
            case Combined():
                values = {"members": [list(each) for each in members_of(event)]}
                if len(event.members) > 1:  # else it is no candidate of its own
                    values |= _figures(event)
                text = describe_combined(event, self.search, pictures=self._judged_on(event))
        with held(self.slot):
            self.search.refresh_from_db()  # its clock
            Trial.objects.filter(pk=trial.pk, state=Trial.State.RUNNING).update(
                state=Trial.State.FINISHED,
                seconds=event.seconds,
                clock=elapsed(self.search),
                finished_at=timezone.now(),
                **values,
            )
            note(self.search, text)

    def stopped(self, trial: Trial) -> None:
        """A trial that was ended half-way because the search was told to stop."""
        with held(self.slot):
            Trial.objects.filter(pk=trial.pk, state=Trial.State.RUNNING).update(
                state=Trial.State.CANCELLED, finished_at=timezone.now()
            )

    def exported(self, trial: Trial, event: Exported, *, final: bool) -> None:
        """Publish the bundle; after the final one the search is over."""
        publish = publisher()
        announce = partial(self._announce, trial, event, final=final)
        publish(self.search, trial, Path(event.out), event.model, final=final, within=announce)

    def _announce(self, trial: Trial, event: Exported, *, final: bool) -> None:
        lock_search(self.search.pk)
        keep(self.slot)
        Trial.objects.filter(pk=trial.pk).update(error="", error_kind="")
        note(self.search, describe_model(trial, event.model, final=final))
        if final:
            settle(self.search)

    def _judged_on(self, event: Trained | Combined) -> int | None:
        """How many pictures judged a trial, if that is known."""
        if self.search.folds > 1:
            return len(unpack_bits(event.right)) if event.right else None
        splits = self.search.version.summary.get("splits", {})
        validation = splits.get("validation", 0)
        whole = search_plan(self.search).pictures >= splits.get("train", 0) + validation
        return validation if whole and validation else None


def _figures(event: Trained | Combined) -> dict[str, Any]:
    """What both say of the validation pictures and of the cost, as fields of a trial."""
    return {
        "accuracy": event.accuracy,
        "standard_error": event.standard_error,
        "loss": event.loss,
        "parameters": event.parameters,
        "macs": event.macs,
        "latency_ms": event.latency_ms,
        "size_bytes": event.size_bytes,
        "right": event.right,
        "figures": event.figures,
    }
