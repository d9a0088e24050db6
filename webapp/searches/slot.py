"""The loop of a slot: ask for the next step, have the engine do it, write down what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings

from search_engine.events import (
    CLOSING,
    Export,
    Exported,
    Failed,
    Measure,
    Measured,
    Message,
    Open,
    Opened,
    Prepare,
    Prepared,
    Stop,
    Supernet,
    SupernetDone,
    Train,
    Trained,
)
from search_engine.process import EngineDied, EngineProcess
from search_engine.search import REFIT_FACTOR, DoneStep, ExportStep, TrainStep, WaitStep
from search_engine.trial import Kind
from webapp.datasets.services import write_version_manifest
from webapp.searches import files
from webapp.searches.claims import ClaimLost, held, keep
from webapp.searches.endings import fail_export, fail_trial, leave
from webapp.searches.models import Slot, Trial
from webapp.searches.narration import model_title
from webapp.searches.recording import Recorder
from webapp.searches.replay import curves, elapsed, search_plan
from webapp.searches.steps import MeasureStep, PrepareStep, next_step

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0  # between two looks at whether somebody asked to stop
STOP_SECONDS = 30.0  # an engine that takes longer to stop is ended
SILENCE_SECONDS = 900.0  # an engine that says nothing for so long hangs
MAX_DEATHS = 3  # in a row


class GiveUp(Exception):
    """This slot cannot go on. Its text is a sentence for people."""


class SlotRunner:
    """Runs a claimed slot until its search needs it no more."""

    def __init__(self, slot: Slot, new_engine: Callable[[], EngineProcess] = EngineProcess) -> None:
        self.slot = slot
        self.search = slot.search
        self.recorder = Recorder(slot)
        self._new_engine = new_engine
        self._engine: EngineProcess | None = None
        self._prepared = False
        self._deaths = 0
        self._beat_at = 0.0

    def run(self) -> None:
        """Work until there is nothing left to do or the slot is taken away."""
        try:
            self._loop()
            leave(self.slot)
        except GiveUp as reason:
            leave(self.slot, str(reason))
        except ClaimLost as lost:
            log.info("%s", lost)
        finally:
            self._drop_engine()

    def _loop(self) -> None:
        while not isinstance(step := next_step(self.slot, prepared=self._prepared), DoneStep):
            match step:
                case MeasureStep():
                    self._do(partial(self._measure, step))
                case PrepareStep():
                    self._do(partial(self._prepare, step))
                case TrainStep():
                    trial = self._trial(step.number)
                    self._do(partial(self._train, step, trial), partial(self._lost_trial, trial))
                case ExportStep():
                    trial = self._trial(step.number)
                    self._do(partial(self._export, step, trial), partial(self._lost_export, trial))
                case WaitStep():
                    self._wait()

    # --- steps ----------------------------------------------------------------------------------------------

    def _measure(self, step: MeasureStep) -> None:
        event = self._ask(Measure(config=step.config.to_dict()), stoppable=True)
        if isinstance(event, Failed):
            if event.kind == "settings":  # nothing is wrong with the machine
                raise GiveUp(event.message)
            raise GiveUp(f"This machine could not be measured: {event.message}")
        if isinstance(event, Measured):
            self.recorder.measured(event)

    def _prepare(self, step: PrepareStep) -> None:
        event = self._ask(Prepare(plan=step.plan.to_dict()), stoppable=step.stoppable)
        if isinstance(event, Failed):
            raise GiveUp(f"The pictures could not be prepared: {event.message}")
        if isinstance(event, Prepared):
            self._prepared = True
            self.recorder.prepared(event)

    def _train(self, step: TrainStep, trial: Trial) -> None:
        command: Message = Train(
            number=trial.number,
            kind=trial.kind,
            genome=trial.genome,
            seed=trial.seed,
            epochs=trial.epochs_planned,
            seconds=step.seconds,
            share=step.share,
            scale=step.scale,
            incumbent=step.incumbent,
            curves=[] if step.incumbent is None else curves(self.search, step),
            max_latency_ms=step.max_latency_ms,
        )
        if step.kind is Kind.SUPERNET:
            command = Supernet(number=trial.number, seed=trial.seed, seconds=step.seconds)
        # The trainer ends by itself in about ``seconds``; one that takes many times as long hangs.
        event = self._ask(command, stoppable=True, limit=120.0 + 5.0 * step.seconds)
        if isinstance(event, Trained | SupernetDone):
            self._deaths = 0
            self.recorder.trained(trial, event) if isinstance(event, Trained) else self.recorder.shared(
                trial, event
            )
        elif isinstance(event, Failed):
            self._deaths = 0
            with held(self.slot):
                fail_trial(trial, event.message, event.kind)
        else:
            self.recorder.stopped(trial)

    def _export(self, step: ExportStep, trial: Trial) -> None:
        out = files.next_bundle(self.search.pk)
        out.parent.mkdir(parents=True, exist_ok=True)
        command = Export(
            number=trial.number,
            kind=trial.kind,
            genome=trial.genome,
            seed=trial.seed,
            epochs=trial.epochs or trial.epochs_planned,
            seconds=self._export_seconds(trial),
            final=step.final,
            refit=step.refit,
            out=str(out),
            title=model_title(self.search),
            round=self.search.round,
        )
        event = self._ask(command, stoppable=False)
        self._deaths = 0
        if isinstance(event, Exported):
            self.recorder.exported(trial, event, final=step.final)
        else:
            reason = event.message if isinstance(event, Failed) else "it was stopped."
            self._lost_export(trial, EngineDied(reason, kind="error"))

    def _export_seconds(self, trial: Trial) -> float:
        """Limit of the final fit: what is left of the budget, but not less than the fit needs."""
        self.search.refresh_from_db()  # minutes may have been added, or the clock stood still
        plan = search_plan(self.search)
        left = self.search.budget_minutes * 60 - elapsed(self.search) - plan.finish_seconds
        return max(left, REFIT_FACTOR * (trial.seconds or plan.trial_seconds))

    def _wait(self) -> None:
        """Nothing to do until another slot is done with something, but to have an engine ready by then."""
        if self._engine is None and not self._deaths:
            self._do(lambda: None)
        time.sleep(TICK_SECONDS)

    # --- the engine -----------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], None], on_death: Callable[[EngineDied], None] | None = None) -> None:
        """A step that an engine may die of; the next step gets a fresh one."""
        try:
            self._ensure_engine()
            work()
        except EngineDied as death:
            log.warning("the engine of slot %s %s", self.slot.pk, death.reason)
            self._drop_engine()
            self._deaths += 1
            if on_death:
                on_death(death)
            if self._deaths >= MAX_DEATHS:
                raise GiveUp(
                    f"The process that trains networks ended {MAX_DEATHS} times in a row; "
                    f"the last one {death.reason}."
                ) from death

    def _lost_trial(self, trial: Trial, death: EngineDied) -> None:
        with held(self.slot):
            fail_trial(trial, f"The process that trained it {death.reason}.", death.kind)

    def _lost_export(self, trial: Trial, death: EngineDied) -> None:
        with held(self.slot):
            trial.refresh_from_db()
            fail_export(trial, death.reason)

    def _ensure_engine(self) -> None:
        """A fresh engine has to be told first which pictures the search is about."""
        if self._engine is not None:
            return
        version = self.search.version
        self._engine, self._prepared = self._new_engine(), False
        command = Open(
            manifest=str(write_version_manifest(version)),
            cache=str(files.data_dir() / "cache"),
            run=str(files.run_folder(self.search.pk)),
            seed=self.search.seed,
            device=settings.DEVICE,
        )
        event = self._ask(command, stoppable=False)
        if not isinstance(event, Opened):
            reason = event.message if isinstance(event, Failed) else "it was stopped."
            raise GiveUp(f"The pictures could not be opened: {reason}")

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine, self._prepared = None, False

    def _ask(self, command: Message, *, stoppable: bool, limit: float | None = None) -> Message:
        """Send a command and record what the engine says until the event that closes it, which is returned.

        Raises:
            EngineDied: the process ended, hangs, or did not stop when it was told to.
            ClaimLost: the slot was given to somebody else.
        """
        engine = self._engine
        assert engine is not None  # noqa: S101 - for the type checker: _do has started it
        engine.send(command)
        started = heard = time.monotonic()
        stopped: float | None = None
        while True:
            event = engine.events(TICK_SECONDS)
            now = time.monotonic()
            if isinstance(event, CLOSING):
                return event
            if event is not None:
                heard = now
                self.recorder.record(event)
            self._beat(now)
            if self._stop_wanted() and stoppable and stopped is None:
                engine.send(Stop())
                stopped = now
            too_long = limit is not None and now - started > limit
            deaf = stopped is not None and now - stopped > STOP_SECONDS
            if too_long or deaf or now - heard > SILENCE_SECONDS:
                engine.kill()
                raise EngineDied("did not answer any more and was ended", kind="crashed")

    def _beat(self, now: float) -> None:
        if now - self._beat_at >= settings.HEARTBEAT_SECONDS:
            keep(self.slot)
            self._beat_at = now

    def _stop_wanted(self) -> bool:
        """Whether somebody asked for the best so far.

        Raises:
            ClaimLost: the search was paused or deleted, or the slot was given to somebody else.
        """
        ours = Slot.objects.filter(pk=self.slot.pk, claim=self.slot.claim, state=Slot.State.RUNNING)
        wanted = ours.values_list("search__stop_requested", flat=True).first()
        if wanted is None:
            raise ClaimLost(f"slot {self.slot.pk} was given away, or its search is paused or over")
        return wanted

    def _trial(self, number: int) -> Trial:
        return Trial.objects.select_related("search").get(search=self.search, number=number)
