"""What a slot does next: asked of the database, decided by the engine's pure planner, written down at once.

Each question is one transaction that holds the search's row, so two slots never get the same trial, and a
step that was handed out is on record before its work begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from search_engine.config import Plan, SearchConfig
from search_engine.search import decide
from search_engine.steps import Clock, DoneStep, ExportStep, TrainStep, WaitStep
from search_engine.trial import Origin
from webapp.searches import replay
from webapp.searches.claims import keep, lock_search
from webapp.searches.models import Epoch, Search, Slot, Trial
from webapp.searches.narration import note, trial_name
from webapp.searches.replay import EXPORT_FAILED, EXPORT_HOPELESS

MAX_HOPELESS = 2
"""Networks that could not be exported twice each, after which the search ends with what it has."""
SPENT = 0.3
"""Of the budget; a search that ends before has run out of networks and not of time."""
MAX_FAILURES = 20
"""Networks that failed in a row, after which the search ends with what it has: the next would fail, too."""


ANSWERED = (
    *("state", "error", "error_kind", "killed", "epochs"),
    *("accuracy", "standard_error", "loss", "right", "figures"),
    *("parameters", "macs", "latency_ms", "size_bytes"),
)
"""What a repeat has from the trial that it repeats."""


@dataclass(frozen=True, slots=True)
class MeasureStep:
    """Time this machine and plan."""

    config: SearchConfig


@dataclass(frozen=True, slots=True)
class PrepareStep:
    """Cache the trunk's activations; ``stoppable`` unless an export needs them."""

    plan: Plan
    stoppable: bool


Step = MeasureStep | PrepareStep | TrainStep | ExportStep | WaitStep | DoneStep


def next_step(slot: Slot, *, prepared: bool) -> Step:
    """What the slot does next; the answer is already on record.

    Args:
        slot: claimed by the caller.
        prepared: whether its engine has the activations.

    Raises:
        ClaimLost: the slot is not the caller's any more.
    """
    if not prepared:
        _rehearse(slot)
    with transaction.atomic():
        search = lock_search(slot.search_id)
        keep(slot, doing="")
        step = _decide(search, prepared=prepared)
        while isinstance(step, TrainStep) and step.repeat_of is not None:
            _answer(search, slot, step, step.repeat_of)
            step = _decide(search, prepared=prepared)
        _write_down(search, slot, step)
    return step


def _rehearse(slot: Slot) -> None:
    """Ask once without the lock, as a process does that is new to a search.

    A controller that was taught by 300 trials is rebuilt in 4 to 8 s of one core, after which this process
    remembers it. Under the lock, and slot after slot, every other write to the site would wait for that.
    """
    search = Search.objects.filter(pk=slot.search_id, state=Search.State.RUNNING, plan__isnull=False).first()
    if search:
        _plan_next(search)


def _decide(search: Search, *, prepared: bool) -> Step:
    if search.is_over:
        return DoneStep("The search is over.")
    if search.plan is None:
        return _measure_or_wait(search)
    step = _plan_next(search)
    if isinstance(step, TrainStep | ExportStep) and not prepared:
        return PrepareStep(replay.search_plan(search), stoppable=isinstance(step, TrainStep))
    return step


def _measure_or_wait(search: Search) -> Step:
    if search.stop_requested:
        return DoneStep("Stopped before this machine was measured.")
    if _live(search).filter(doing="measure").exists():
        return WaitStep("Another slot measures this machine.")
    return MeasureStep(replay.search_config(search))


def anything_left(search: Search) -> bool:
    """Whether a search that is planned has anything to do, now or with more time; nothing is written."""
    return not isinstance(_plan_next(search), DoneStep)


def _plan_next(search: Search) -> Step:
    rows = {row.number: row for row in search.trials.defer("right", "genome")}
    plan = replay.search_plan(search)
    published = _published(search)
    hopeless = [row for row in rows.values() if row.error_kind == EXPORT_HOPELESS]
    clock = Clock(
        elapsed=replay.elapsed(search),
        exported=published.number if published else None,
        since_export=published.age if published else None,
        exporting=_live(search).filter(doing__startswith="export").exists(),
        finished=bool(hopeless) and (published is not None or len(hopeless) >= MAX_HOPELESS),
        stop_requested=search.stop_requested or _all_fail(search, rows.values()),
    )
    config = replay.search_config(search)
    trials = replay.frozen_all(rows.values(), config)
    space = replay.search_space(search)
    step = decide(config, plan, trials, clock, space)
    if isinstance(step, ExportStep) and search.round > 0:
        if published and published.tested and not step.final:
            # A tested model is not replaced by one that is not; the best of this round comes at its end.
            return decide(config, plan, trials, replace(clock, exported=step.number), space)
        if published and published.is_what_comes_of(step):
            return DoneStep("No better network was found, so there is nothing new to test.")
    if isinstance(step, ExportStep) and rows[step.number].error_kind == EXPORT_FAILED:
        if step.final:
            # Fitting again may be what it died of; its own weights are at hand.
            return step.as_trained()
        # It is tried once more, at the end; until then the search goes on as if it had been handed out.
        return decide(config, plan, trials, replace(clock, exported=step.number), space)
    return step


def _all_fail(search: Search, rows: Iterable[Trial]) -> bool:
    """Whether something is wrong that is no network's fault, such as a full disk.

    It may have been put right before the search was continued, so only the present round counts.
    """
    over = (Trial.State.FINISHED, Trial.State.FAILED)
    since = search.continued_at
    ended = sorted(
        (
            row
            for row in rows
            if row.kind == Trial.Kind.NETWORK
            and row.state in over
            and (since is None or (row.finished_at is not None and row.finished_at > since))
        ),
        key=lambda row: row.number,
    )
    last = ended[-MAX_FAILURES:]
    return len(last) == MAX_FAILURES and all(row.state == Trial.State.FAILED for row in last)


def _live(search: Search) -> QuerySet[Slot]:
    return search.slots.filter(state=Slot.State.RUNNING)


@dataclass(frozen=True, slots=True)
class _Published:
    """The present model of a search.

    Attributes:
        number: of the trial that it was made from.
        age: in seconds.
        tested: whether the sealed test was opened for it.
        refit: whether it was fitted again on training and validation pictures.
        shares: numbers of the trials it is made of, and how much each says.
    """

    number: int
    age: float
    tested: bool
    refit: bool
    shares: dict[int, float]

    def is_what_comes_of(self, step: ExportStep) -> bool:
        """Whether a final export would only make the same model once more."""
        shares = {part.number: part.share for part in step.parts}
        same = self.shares.keys() == shares.keys() and all(
            math.isclose(share, shares[number]) for number, share in self.shares.items()
        )
        return self.tested and step.final and same and (self.refit or not step.refit)


def _published(search: Search) -> _Published | None:
    model = Search.objects.filter(pk=search.pk, model__isnull=False)
    names = ("model__trial__number", "model__updated_at", "model__state", "model__card")
    row = model.values_list(*names).first()
    if row is None:
        return None
    number, updated_at, state, card = row
    return _Published(
        number=number,
        age=(timezone.now() - updated_at).total_seconds(),
        tested=state == "final",
        refit=bool(card.get("refit_on_validation")),
        shares={each["trial"]: each["share"] for each in card.get("members", ())} or {number: 1.0},
    )


def _write_down(search: Search, slot: Slot, step: Step) -> None:
    match step:
        case MeasureStep():
            _start(search)
            keep(slot, "measure")
        case PrepareStep():
            keep(slot, "prepare")
        case TrainStep():
            if step.origin is Origin.FINISH:
                _finish(search)
            trial = _write_trial(search, slot, step)
            doing = "Trying" if step.origin is not Origin.FINISH else "Finishing"
            progress = {"text": f"{doing}: {trial_name(trial).rstrip(',')}", "done": 0, "total": 0}
            Search.objects.filter(pk=search.pk).update(progress=progress)
            keep(slot, f"train {step.number}")
        case ExportStep():
            if step.final:
                _finish(search)
            keep(slot, f"export {step.number}")


def _finish(search: Search) -> None:
    """From here on nothing new is tried."""
    going = Search.objects.filter(pk=search.pk).exclude(phase=Search.Phase.FINISH)
    if going.update(phase=Search.Phase.FINISH, progress={}):
        note(search, _why_finish(search))


def _why_finish(search: Search) -> str:
    if search.stop_requested:
        return "Finishing the best network so far."
    if _all_fail(search, search.trials.all()):
        return f"The last {MAX_FAILURES} networks all failed, so no more are tried: finishing the best one."
    if search.max_trials and networks(search).count() >= search.max_trials:
        return "As many networks as were asked for are tried: finishing the best one."
    if replay.elapsed(search) < SPENT * search.budget_minutes * 60:
        return "There is nothing new left to try: finishing the best network."
    return "Time is up: finishing the best network."


def networks(search: Search) -> QuerySet[Trial]:
    """Neither controls nor supernets."""
    return search.trials.filter(kind=Trial.Kind.NETWORK)


def _start(search: Search) -> None:
    """The budget's clock starts with the first slot that comes."""
    waiting = Search.objects.filter(pk=search.pk, state=Search.State.QUEUED)
    if waiting.update(
        state=Search.State.RUNNING, phase=Search.Phase.MEASURE, started_at=timezone.now(), progress={}
    ):
        note(search, "Started.")


def _answer(search: Search, slot: Slot, step: TrainStep, number: int) -> None:
    """A network that was trained already is not trained again: it gets the figures that it had."""
    trial = _write_trial(search, slot, step)
    same = search.trials.get(number=number)
    for name in ANSWERED:
        setattr(trial, name, getattr(same, name))
    trial.repeat_of, trial.seconds, trial.finished_at = number, 0.0, timezone.now()
    trial.clock = replay.elapsed(search)
    trial.save()
    note(search, f"{trial_name(trial)} is the same as number {number}, so it was not trained again.")


def _write_trial(search: Search, slot: Slot, step: TrainStep) -> Trial:
    trial, created = Trial.objects.get_or_create(
        search=search,
        number=step.number,
        defaults={
            "kind": step.kind,
            "origin": step.origin,
            "vector": list(step.vector),
            "genome": step.genome.to_dict() if step.genome else None,
            "genome_hash": step.key,
            "parent_number": step.parent,
            "seed": step.seed,
            "epochs_planned": step.epochs,
            "rung": step.rung,
            "drawn": step.drawn,
        },
    )
    if not created:
        Epoch.objects.filter(trial=trial).delete()
    trial.state = Trial.State.RUNNING
    trial.slot = slot
    trial.attempts += 1
    trial.started_at = timezone.now()
    trial.save(update_fields=["state", "slot", "attempts", "started_at"])
    return trial
