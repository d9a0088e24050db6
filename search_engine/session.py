"""What an engine process does with one data set: measure, prepare, train, share weights, export."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from search_engine.augment.lessons import SHARE, Teacher, affords_lesson
from search_engine.combining import assemble, combine, refit
from search_engine.commands import Combine, Doubt, Export, Open, Refit, Supernet, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.manifest import read_manifest
from search_engine.data.targets import targets_of
from search_engine.doubting import doubt
from search_engine.errors import SearchEngineError, TrialFailed
from search_engine.evaluate.bootstrap import pack_bits, standard_error_of
from search_engine.evaluate.latency import median_latency_ms
from search_engine.evaluate.task import TASKS, Task
from search_engine.events import (
    Combined,
    Doubted,
    EventSink,
    Exported,
    Log,
    Opened,
    Progress,
    Refitted,
    SupernetDone,
    Trained,
)
from search_engine.export.bundle import Subject, write_bundle
from search_engine.families import is_trunk_ruled_out
from search_engine.fitting import TRUNK_LATENCY, Fitter
from search_engine.measure import measure_rates
from search_engine.planner import TUNE_FROM_SECONDS, Rates, make_plan
from search_engine.proposing import check_limits, space_of
from search_engine.space.cost import cost
from search_engine.space.invariance import Invariance
from search_engine.space.networks import build
from search_engine.space.registry import ANY, HYBRID
from search_engine.space.trunks import POOLED
from search_engine.supernet.answering import share_weights
from search_engine.trainer.device import pick_device
from search_engine.trainer.folds import out_of_fold
from search_engine.trainer.inputs import Inputs, prepare_inputs
from search_engine.trainer.invariance import SIDE, affordable, probe_invariances
from search_engine.trial import Kind
from search_engine.trunk.graph import TrunkRunner


class Session:
    """An opened data set. One at a time in an engine process; methods are its commands."""

    def __init__(self, command: Open, sink: EventSink, should_stop: Callable[[], bool]) -> None:
        self.sink = sink
        self.should_stop = should_stop
        self.manifest = read_manifest(Path(command.manifest))
        self.run = Path(command.run)
        self.shared_cache = Path(command.cache)
        self.cache = self.shared_cache / self.manifest.digest
        self.seed = command.seed
        self.device = pick_device(command.device)
        self.plan: Plan | None = None
        self._inputs: Inputs | None = None
        (self.run / "trials").mkdir(parents=True, exist_ok=True)

    @property
    def classes(self) -> int:
        return len(self.manifest.labels)

    @property
    def task(self) -> Task:
        return TASKS[self.manifest.task]

    def opened(self) -> Opened:
        counts = {split: len(self.manifest.of(split)) for split in ("train", "validation", "test")}
        return Opened(labels=list(self.manifest.labels), counts=counts, device=str(self.device))

    # --- measure and prepare --------------------------------------------------------------------------------

    def measure(self, config: SearchConfig) -> Plan:
        """Time a few pictures and a few training steps, then plan."""
        started = time.monotonic()
        self.sink.emit(Progress(phase="measure", text="Measuring how fast this machine is"))
        working = [*self.manifest.of("train"), *self.manifest.of("validation")]
        rates = measure_rates(
            self.manifest.root,
            [p.path for p in working],
            space=config.space,
            trunk=config.trunk,
            classes=self.classes,
            cache=self.shared_cache,
            device=self.device,
            seed=self.seed,
            tune=self.device.type != "cpu" or config.budget_seconds >= TUNE_FROM_SECONDS,
        )
        invariances = self._invariances(config, rates) if config.space != HYBRID else {}
        plan = make_plan(
            config,
            rates,
            trunk=config.trunk,
            pictures=len(working),
            test_pictures=len(self.manifest.of("test")),
            spent=time.monotonic() - started,
            validation=len(self.manifest.of("validation")),
        )
        # Once a search and not once an engine: candidates of two slots must be comparable.
        side = plan.trunk_resolution
        runner = TrunkRunner(plan.trunk, side, self.shared_cache, self.device, served=True)
        latency = self._trunk_latency_ms(runner, side)
        plan = replace(
            plan,
            rates=plan.rates | {TRUNK_LATENCY: latency},
            classes=self.classes,
            task=self.manifest.task,
            invariances={name: each.to_dict() for name, each in invariances.items()},
        )
        if plan.space == ANY and is_trunk_ruled_out(config, plan):  # so it needs no control that trains it
            plan = replace(plan, unfreeze=0, tune_epochs=0, tune_seconds=0.0)
        check_limits(config, plan, latency if plan.space == HYBRID else 0.0)
        return self._with_lesson(config, plan)

    def _invariances(self, config: SearchConfig, rates: Rates) -> dict[str, Invariance]:
        """Which changes leave the labels alone; only networks from scratch can make use of that."""
        side, rate = next(iter(rates.extract.items()))
        extract = rate * (side / SIDE) ** 2
        count = affordable(config.budget_seconds, decode=rates.decode, extract=extract)
        if not count:
            return {}
        self.sink.emit(Progress(phase="measure", text="Testing whether mirrored pictures keep their labels"))
        runner = TrunkRunner(config.trunk, SIDE, self.shared_cache, self.device, names=(POOLED,))
        return probe_invariances(self.manifest, runner, count)

    def _with_lesson(self, config: SearchConfig, plan: Plan) -> Plan:
        """The plan with a learned augmentation, if all networks are from scratch and the budget affords it.

        Beside networks on the trunk it would delay the first usable model, and those cannot use it.
        """
        rate = plan.rates["train"]
        if plan.space in (HYBRID, ANY) or not affords_lesson(
            config.budget_seconds, pictures=plan.pictures, rate=rate
        ):
            return plan
        self.prepare(plan)
        self.sink.emit(Progress(phase="measure", text="Learning which random changes of pictures help"))
        space, fitter = space_of(config, plan), self._fitter()
        genome = space.decode(space.starts[0])
        teacher = Teacher(
            genome=genome,
            classes=self.classes,
            training=fitter.examples(genome, "train"),
            validation=fitter.examples(genome, "validation"),
            device=self.device,
            strategy="reinforce" if config.strategy == "reinforce" else "evolution",
            seed=config.seed,
            should_stop=self.should_stop,
        )
        try:
            lesson = teacher.learn(SHARE * config.budget_seconds)
        except TrialFailed as failure:
            self.sink.emit(Log(level="warning", text=f"No augmentation was learned. {failure}"))
            return plan
        return plan if lesson is None else replace(plan, lesson=lesson.to_dict())

    @staticmethod
    def _trunk_latency_ms(runner: TrunkRunner, resolution: int) -> float:
        one = np.zeros((1, resolution, resolution, 3), np.uint8)
        return median_latency_ms(lambda: runner(one))

    def prepare(self, plan: Plan) -> int:
        """Make ready what networks and controls read; returns how many pictures take part."""

        def progress(text: str) -> Callable[[int, int], None]:
            return lambda done, total: self.sink.emit(
                Progress(phase="prepare", text=text, done=done, total=total)
            )

        self._inputs = prepare_inputs(
            plan,
            self.manifest,
            cache=self.cache,
            shared_cache=self.shared_cache,
            device=self.device,
            tell=progress,
            should_stop=self.should_stop,
        )
        self.plan = plan
        return len(self._inputs.pictures)

    # --- train ----------------------------------------------------------------------------------------------

    def train(self, command: Train) -> Trained:
        """Train one candidate on what was prepared and score it on what it did not learn from.

        In a cross-validation the weights that are kept are those of the first fold, which did not learn from
        the validation split.

        Raises:
            TrialFailed: it diverged, or one picture takes it longer than the search allows (``too_slow``).
        """
        started = time.monotonic()
        fitter = self._fitter()
        kind, genome = Kind(command.kind), fitter.genome(command.genome)
        fitter.check_latency(command, kind, genome)
        studied, folds = fitter.on_rung(command, genome)
        fitted = fitter.fit(command, kind, studied, folds)
        model = fitted.models[0]
        logits, targets = (each.numpy() for each in out_of_fold(fitted.models, folds))
        probabilities = self.task.probabilities(logits)
        right = self.task.right(probabilities, targets)
        accuracy = float(right.mean())
        fitter.save(model, command.number)
        if studied == genome and len(fitted.models) == len(folds):
            fitter.keep_logits(command.number, logits)
        # What it was trained on says nothing of how long the network takes on pictures of its own size.
        whole = model if studied == genome else build(genome, self.classes)
        cost_ = cost(genome, self.classes)
        parameters = cost_.parameters if kind is not Kind.MAJORITY else 0
        return Trained(
            number=command.number,
            accuracy=accuracy,
            standard_error=standard_error_of(right),
            loss=self.task.loss(probabilities, targets),
            parameters=parameters,
            macs=cost_.macs if kind is not Kind.MAJORITY else 0,
            latency_ms=fitter.latency_ms(whole, genome, kind),
            size_bytes=4 * parameters,
            epochs=fitted.epochs,
            seconds=time.monotonic() - started,
            killed=fitted.killed,
            folds=command.folds,
            right=pack_bits(right),
            figures=self.task.figures(probabilities, targets),
        )

    def _fitter(self) -> Fitter:
        """Raises ``SearchEngineError`` before the pictures are prepared."""
        if self.plan is None or self._inputs is None:
            raise SearchEngineError("The engine was asked to train before it had prepared the pictures.")
        return Fitter(
            run=self.run,
            plan=self.plan,
            inputs=self._inputs,
            classes=self.classes,
            task=self.task,
            device=self.device,
            sink=self.sink,
            should_stop=self.should_stop,
        )

    def supernet(self, command: Supernet) -> SupernetDone:
        """Search the cells of the planned space by shared weights."""
        fitter = self._fitter()
        return share_weights(
            command, fitter.plan, fitter.examples, self.classes, self.sink, stop=self.should_stop
        )

    # --- finish ---------------------------------------------------------------------------------------------

    def combine(self, command: Combine) -> Combined:
        """Select an ensemble on the validation split."""
        return combine(command, self._fitter())

    def refit(self, command: Refit) -> Refitted:
        """Train what wins on all pictures but the sealed ones.

        Raises:
            TrialFailed: it came out worse than before.
        """
        return refit(command, self._fitter())

    def export(self, command: Export) -> Exported:
        """Write the bundle of a model; if it is the final one, open the sealed test split."""
        made = assemble(command, self._fitter())
        subject = Subject(
            number=command.number,
            model=made.model,
            members=made.members,
            cost=made.cost,
            title=command.title,
            labels=self.manifest.labels,
            task=self.task,
            thresholds=made.thresholds,
            validation=made.validation,
            splits={split: len(self.manifest.of(split)) for split in ("train", "validation", "test")},
            search_round=command.round,
        )
        card = write_bundle(
            subject,
            Path(command.out),
            root=self.manifest.root,
            validation=self._inputs.of("validation") if self._inputs else (),
            test=self.manifest.of("test") if command.final else (),
            targets=lambda pictures: targets_of(self.manifest, pictures),
            run=self.run,
            sink=self.sink,
        )
        return Exported(number=command.number, out=command.out, model=card)

    def doubt(self, command: Doubt) -> Doubted:
        """Rank labels by how wrong they look."""
        return doubt(command, self._fitter(), self.manifest.of("test"))
