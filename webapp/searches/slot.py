"""The loop of a slot: ask for the next step, have the engine do it, write down what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.conf import settings

from search_engine.commands import Export, Measure, Open, Prepare, Stop
from search_engine.events import (
    CLOSING,
    Combined,
    Exported,
    Failed,
    Measured,
    Message,
    Opened,
    Prepared,
    Refitted,
    SupernetDone,
    Trained,
)
from search_engine.orders import Record, order, parts_for
from search_engine.process import EngineDied, EngineProcess
from search_engine.space.architecture import Genome
from search_engine.steps import DoneStep, ExportStep, TrainStep, WaitStep
from search_engine.trial import Kind
from webapp.datasets.services import write_version_manifest
from webapp.searches import files
from webapp.searches.claims import ClaimLost, held, keep
from webapp.searches.doubting import doubt_labels
from webapp.searches.endings import fail_export, fail_trial, leave
from webapp.searches.models import Slot, Trial
from webapp.searches.narration import model_title
from webapp.searches.recording import Recorder
from webapp.searches.replay import curves, search_config, search_space
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
        genome = Genome.from_dict(trial.genome) if trial.genome else None
        as_recorded = replace(step, seed=trial.seed, epochs=trial.epochs_planned, genome=genome)
        command = order(
            as_recorded,
            search_config(self.search),
            space=lambda: search_space(self.search),
            record=self._record,
            curves=partial(curves, self.search),
        )
        # The trainer ends by itself in about ``seconds``; one that takes many times as long hangs.
        # Who stops a search wants its best, and what is better together is known within a second.
        stoppable = step.kind is not Kind.ENSEMBLE
        event = self._ask(command, stoppable=stoppable, limit=120.0 + 5.0 * step.seconds)
        if isinstance(event, Trained):
            self._deaths = 0
            self.recorder.trained(trial, event)
        elif isinstance(event, SupernetDone | Combined | Refitted):
            self._deaths = 0
            self.recorder.made(trial, event)
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
            parts=parts_for(step, self._record),
            final=step.final,
            out=str(out),
            title=model_title(self.search),
            round=self.search.round,
        )
        event = self._ask(command, stoppable=False)
        self._deaths = 0
        if isinstance(event, Exported):
            self.recorder.exported(trial, event, final=step.final)
            if step.final and self._engine is not None:
                doubt_labels(self.search, step, self._engine, self._record)
        else:
            reason = event.message if isinstance(event, Failed) else "it was stopped."
            self._lost_export(trial, EngineDied(reason, kind="error"))

    def _record(self, number: int) -> Record:
        """What the engine has to know of an earlier trial."""
        trial = self._trial(number)
        return Record(trial.kind, trial.genome, trial.latency_ms)

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
