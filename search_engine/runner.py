"""A search on this machine, for the command line: one thread and one engine process a slot.

The site does the same with Celery tasks and rows of a database; both ask ``search.decide`` what comes next
and both drive the same engine process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_engine.commands import Export, Measure, Open, Prepare
from search_engine.config import Plan, SearchConfig
from search_engine.data.manifest import read_manifest
from search_engine.errors import SearchEngineError
from search_engine.evaluate.worth import Comparison
from search_engine.events import (
    CLOSING,
    Combined,
    Doubted,
    EpochDone,
    Exported,
    Failed,
    Log,
    Measured,
    Message,
    Opened,
    Refitted,
    SupernetDone,
    Trained,
)
from search_engine.families import verdict
from search_engine.finishing import best_model
from search_engine.ledger import Ledger
from search_engine.orders import doubt_for, order, parts_for
from search_engine.process import EngineDied, EngineProcess
from search_engine.proposing import space_of
from search_engine.records import Records
from search_engine.search import decide
from search_engine.settings import check_config, settled
from search_engine.space.invariance import sentences
from search_engine.space.lesson import sentence
from search_engine.steps import Clock, DoneStep, ExportStep, Step, TrainStep, WaitStep
from search_engine.trial import Kind, Origin, TrialState

MAX_DEATHS = 3  # engine processes lost in a row before a slot gives up
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to.

    Attributes:
        bundle: folder of the final bundle.
        card: its ``model.json``.
        winner: number of the trial it was made from.
        networks: how many candidates of the space were trained; controls not counted.
        ledger: everything that was tried.
        controls: kind to validation accuracy.
        worth: what the search found against chance and against plain transfer learning.
        doubted: the ranking of the labels by how wrong they look; None if there is none.
    """

    bundle: Path
    card: dict[str, Any]
    winner: int
    networks: int
    ledger: Ledger
    controls: dict[str, float]
    worth: tuple[Comparison, ...]
    doubted: Doubted | None = None


class LocalSearch:
    """Runs one search to its end. Trials are held in memory: a killed command line starts again."""

    def __init__(
        self,
        config: SearchConfig,
        manifest: Path,
        *,
        cache: Path,
        run: Path,
        device: str,
        say: Callable[[str], None],
    ) -> None:
        """Args:
        config: what the user wants.
        manifest: the pictures.
        cache: folder for packs and activations.
        run: folder of this search.
        device: ``auto``, ``cpu`` or ``cuda``.
        say: gets lines of progress.

        Raises:
            SearchEngineError: the settings make no sense.
        """
        self.config = config = settled(config)
        check_config(config)
        self.run_folder = run
        self.say = say
        self._open = Open(
            manifest=str(manifest), cache=str(cache), run=str(run), seed=config.seed, device=device
        )
        self._started = time.monotonic()
        self._records = Records(config)
        self._plan: Plan | None = None
        self._planned = threading.Event()
        self._exported: tuple[int, float] | None = None
        self._exporting = False
        self._final: Exported | None = None
        self._doubted: Doubted | None = None
        self._error: str | None = None
        self._verdict = ""

    def run(self, *, title: str) -> Outcome:
        """Search until the budget is spent, and export the winner.

        Raises:
            SearchEngineError: nothing could be trained or exported; the text says why.
        """
        self._title = title
        threads = [
            threading.Thread(target=self._slot, args=(index,), daemon=True)
            for index in range(self.config.slots)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(POLL_SECONDS)  # so that Ctrl-C is heard; the engines die with this process
        if self._final is None:
            raise SearchEngineError(self._error or "The search ended without a network.")
        finished = [t for t in self._records.trials.values() if t.state is TrialState.FINISHED]
        return Outcome(
            bundle=Path(self._final.out),
            card=self._final.model,
            winner=self._final.number,
            networks=sum(t.kind is Kind.NETWORK for t in finished),
            ledger=self._records.ledger(self._need_plan(), read_manifest(Path(self._open.manifest)).digest),
            controls={t.kind.value: t.reward or 0.0 for t in finished if t.origin is Origin.CONTROL},
            worth=self._records.worth(self._need_plan()),
            doubted=self._doubted,
        )

    # --- one slot -------------------------------------------------------------------------------------------

    def _measure(self, engine: EngineProcess, opened: Message) -> None:
        if isinstance(opened, Opened):
            counts = ", ".join(f"{n} {split}" for split, n in opened.counts.items())
            self.say(f"{len(opened.labels)} labels; pictures: {counts}; on {opened.device}")
        answer = self._ask(engine, Measure(config=self.config.to_dict()))
        if not isinstance(answer, Measured):
            raise SearchEngineError(getattr(answer, "message", "The engine could not measure this machine."))
        self._plan = Plan.from_dict(answer.plan)
        self._planned.set()
        self.say(
            f"plan: {self._plan.space} at {self._plan.resolution} px, {self._plan.pictures} pictures, "
            f"{self._plan.epochs} epochs, about {self._plan.trial_seconds:.1f} s a network"
            f"{f', {self._plan.folds}-fold cross-validation' if self._plan.crossed else ''}"
        )
        for said in (*sentences(self._plan.invariances), sentence(self._plan.lesson)):
            if said:
                self.say(said)

    def _slot(self, index: int) -> None:
        """Serve steps until the search is over; an engine that dies costs one trial."""
        try:
            for _ in range(MAX_DEATHS):
                engine = EngineProcess()
                try:
                    self._serve(engine, measures=index == 0)
                    return
                except EngineDied as death:
                    self.say(f"an engine process {death.reason}")
                finally:
                    engine.close()
            self._give_up(f"{MAX_DEATHS} engine processes died one after the other.")
        except SearchEngineError as error:
            self._give_up(str(error))

    def _give_up(self, reason: str) -> None:
        self._error = self._error or reason
        self._planned.set()  # whoever waits for a plan that will not come

    def _serve(self, engine: EngineProcess, *, measures: bool) -> None:
        """Serve steps until the search is over."""
        opened = self._expect(engine, self._open)
        if measures and self._plan is None:
            self._measure(engine, opened)
        self._planned.wait()
        if self._error:
            return
        self._expect(engine, Prepare(plan=self._need_plan().to_dict()))
        while self._error is None:
            step = self._next()
            if isinstance(step, DoneStep):
                if step.failed:
                    self._give_up(step.reason)
                return
            if isinstance(step, WaitStep):
                time.sleep(POLL_SECONDS)
            elif isinstance(step, TrainStep):
                self._train(engine, step)
            else:
                self._export(engine, step)

    def _next(self) -> Step:
        plan = self._need_plan()
        with self._records.lock:
            now = time.monotonic()
            exported, at = self._exported or (None, None)
            clock = Clock(
                elapsed=now - self._started,
                exported=exported,
                since_export=None if at is None else now - at,
                exporting=self._exporting,
                finished=self._final is not None,
            )
            trials = list(self._records.trials.values())
            step = decide(self.config, plan, trials, clock, space_of(self.config, plan))
            if isinstance(step, TrainStep):
                if not self._records.begin(step):
                    return WaitStep("An earlier trial has answered this one.")
            elif isinstance(step, ExportStep):
                if not step.final:  # nobody is waiting for a model to use: only the last one counts here
                    self._exported = (step.number, now)
                    return WaitStep()
                self._exporting = True
            return step

    def _train(self, engine: EngineProcess, step: TrainStep) -> None:
        command = order(
            step,
            self.config,
            space=lambda: space_of(self.config, self._need_plan()),
            record=self._records.record,
            curves=self._records.curves,
        )
        try:
            answer = self._ask(engine, command)
        except EngineDied:
            self._records.failed(step.number, "Its process died.")
            raise
        if isinstance(answer, SupernetDone | Combined | Refitted):
            self.say(f"[{self._elapsed:6.1f} s] {step.number:3d} {self._records.made(answer)}")
            return
        if not isinstance(answer, Trained):
            reason = getattr(answer, "message", "stopped")
            self._records.failed(step.number, reason)
            self.say(f"{step.number:3d} failed: {reason}")
            return
        self._records.trained(answer)
        best = best_model(self.config, self._need_plan(), list(self._records.trials.values()))
        mark = " *" if best and best.number == step.number else " (ended early)" if answer.killed else ""
        self.say(
            f"[{self._elapsed:6.1f} s] {step.number:3d} {step.kind.value} "
            f"({step.origin.value}): {answer.accuracy:.4f}{_more(answer)} in {answer.seconds:.1f} s{mark}"
        )
        self._say_verdict()

    def _say_verdict(self) -> None:
        """When a family of networks is given up, and why."""
        networks = [t for t in self._records.trials.values() if t.kind is Kind.NETWORK]
        said = verdict(self.config, self._need_plan(), networks)
        if said and said != self._verdict:
            self._verdict = said
            self.say(said)

    def _export(self, engine: EngineProcess, step: ExportStep) -> None:
        self.say(f"[{self._elapsed:6.1f} s] finishing trial {step.number}")
        try:
            answer = self._ask(
                engine,
                Export(
                    number=step.number,
                    parts=parts_for(step, self._records.record),
                    final=step.final,
                    out=str(self.run_folder / "bundle"),
                    title=self._title,
                ),
            )
        finally:
            with self._records.lock:
                self._exporting = False
        if isinstance(answer, Exported):
            self._final = answer
            self._doubt(engine, step)
            return
        raise SearchEngineError(getattr(answer, "message", "The export was stopped."))

    def _doubt(self, engine: EngineProcess, step: ExportStep) -> None:
        """Look for wrong labels. The model is there, so nothing that goes wrong here matters to it."""
        command = doubt_for(
            step,
            self.config,
            self._need_plan().folds,
            record=self._records.record,
            left=self.config.budget_seconds - self._elapsed,
            out=self.run_folder / "opinions.jsonl",
        )
        try:
            answer = self._ask(engine, command)
        except EngineDied as death:
            self.say(f"The labels were not looked at: the process {death.reason}.")
            return
        if isinstance(answer, Doubted):
            self._doubted = answer
            self.say(
                f"[{self._elapsed:6.1f} s] {answer.suspected} of {answer.pictures} labels look wrong "
                f"(found in {answer.seconds:.1f} s)"
            )
        else:
            self.say(f"The labels were not looked at: {getattr(answer, 'message', 'stopped')}")

    @property
    def _elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def _ask(self, engine: EngineProcess, command: Message) -> Message:
        """Send a command and wait for the event that closes it."""
        engine.send(command)
        while True:
            event = engine.events(timeout=60.0)
            if isinstance(event, CLOSING):
                return event
            if isinstance(event, Log):
                self.say(event.text)
            elif isinstance(event, EpochDone):
                self._records.epoch(event)

    def _expect(self, engine: EngineProcess, command: Message) -> Message:
        """As ``_ask``, for commands without which there is no search."""
        answer = self._ask(engine, command)
        if isinstance(answer, Failed):
            raise SearchEngineError(answer.message)
        return answer

    def _need_plan(self) -> Plan:
        if self._plan is None:
            raise SearchEngineError("The search was not planned yet.")
        return self._plan


def _more(answer: Trained) -> str:
    """What else is told of a network where pictures may have several labels."""
    precision = answer.figures.get("mean_average_precision")
    return "" if precision is None else f" of labels right, mean average precision {precision:.4f},"
