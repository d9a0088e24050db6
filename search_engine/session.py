"""What an engine process does with one data set: measure, prepare, train, export."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from search_engine.config import Plan, SearchConfig
from search_engine.data.manifest import read_manifest
from search_engine.errors import Cancelled, SearchEngineError, TrialFailed
from search_engine.evaluate.bootstrap import pack_bits
from search_engine.evaluate.latency import median_latency_ms
from search_engine.evaluate.metrics import log_loss, standard_error
from search_engine.events import (
    EpochDone,
    EventSink,
    Export,
    Exported,
    Log,
    Open,
    Opened,
    Progress,
    Train,
    Trained,
)
from search_engine.export.bundle import Subject, write_bundle
from search_engine.export.onnx import ServingModel, candidate_onnx
from search_engine.fidelity.curves import chance_to_beat, should_kill
from search_engine.measure import measure_rates
from search_engine.planner import make_plan
from search_engine.proposing import check_limits
from search_engine.space.architecture import Genome, Trunk, linear_probe
from search_engine.space.cost import cost
from search_engine.space.networks import build, input_shapes
from search_engine.space.registry import HYBRID
from search_engine.space.trunks import TRUNKS
from search_engine.trainer.device import pick_device
from search_engine.trainer.inputs import Inputs, prepare_inputs
from search_engine.trainer.loop import Examples, Hopeless, predict, train
from search_engine.trainer.probe import STRENGTHS, LinearProbe, Majority, fit_probe
from search_engine.trial import Kind
from search_engine.trunk.graph import TrunkRunner, session
from search_engine.trunk.weights import load_trunk

TRUNK = "efficientnet_lite0"
TRUNK_LATENCY = "trunk_latency_ms"  # a key of ``Plan.rates``


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
            trunk=TRUNK,
            classes=self.classes,
            cache=self.shared_cache,
            device=self.device,
            seed=self.seed,
        )
        plan = make_plan(
            config,
            rates,
            trunk=TRUNK,
            pictures=len(working),
            test_pictures=len(self.manifest.of("test")),
            spent=time.monotonic() - started,
        )
        # Once a search and not once an engine: candidates of two slots must be comparable.
        side = plan.trunk_resolution
        runner = TrunkRunner(plan.trunk, side, self.shared_cache, self.device)
        latency = self._trunk_latency_ms(runner, side)
        plan = replace(plan, rates=plan.rates | {TRUNK_LATENCY: latency}, classes=self.classes)
        check_limits(config, plan, latency if plan.space == HYBRID else 0.0)
        return plan

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
        """Train one candidate on what was prepared and score it on the validation split.

        Raises:
            TrialFailed: it diverged, or one picture takes it longer than the search allows (``too_slow``).
        """
        started = time.monotonic()
        kind, genome = Kind(command.kind), self._genome(command.genome)
        self._check_latency(command, kind, genome)
        training, validation = self._examples(genome, "train"), self._examples(genome, "validation")
        model, epochs, killed = self._fit(command, kind, genome, training, validation)
        logits = predict(model, validation)
        probabilities, targets = torch.softmax(logits, 1).cpu().numpy(), validation.labels.cpu().numpy()
        right = probabilities.argmax(1) == targets
        accuracy = float(right.mean())
        self._save(model, command.number)
        cost_ = cost(genome, self.classes)
        parameters = cost_.parameters if kind is not Kind.MAJORITY else 0
        return Trained(
            number=command.number,
            accuracy=accuracy,
            standard_error=standard_error(accuracy, len(targets)),
            loss=log_loss(probabilities, targets),
            parameters=parameters,
            macs=cost_.macs if kind is not Kind.MAJORITY else 0,
            latency_ms=self._latency_ms(model, genome, kind),
            size_bytes=4 * parameters,
            epochs=epochs,
            seconds=time.monotonic() - started,
            killed=killed,
            right=pack_bits(right),
        )

    def _check_latency(self, command: Train, kind: Kind, genome: Genome) -> None:
        """Before training, since weights do not change how long a network takes."""
        limit = command.max_latency_ms
        if limit is None or kind is not Kind.NETWORK:
            return
        latency = self._latency_ms(build(genome, self.classes), genome, kind)
        if latency > limit:
            raise TrialFailed(
                f"One picture takes it {latency:.1f} ms on this machine; the limit is {limit:g} ms.",
                kind="too_slow",
            )

    def _fit(
        self,
        command: Train | Export,
        kind: Kind,
        genome: Genome,
        training: Examples,
        validation: Examples | None,
    ) -> tuple[nn.Module, int, bool]:
        """A trained model, its epochs, and whether it was ended early.

        Without a validation set it is the final fit, on everything.
        """
        model = self._new_model(kind, genome, command.seed).to(self.device)
        if isinstance(model, Majority):
            model.fit(training.labels)
            return model, 0, False
        if isinstance(model, LinearProbe):
            self._fit_probe(model, command, training, validation)
            return model, 1, False
        result = train(
            model,
            training,
            validation,
            genome.recipe,
            epochs=command.epochs,
            seconds=command.seconds,
            seed=command.seed,
            on_epoch=self._epoch_reporter(command.number) if validation is not None else _quiet,
            should_stop=self.should_stop,
            hopeless=self._judge(command) if isinstance(command, Train) else None,
        )
        return model, result.epochs, result.killed

    def _judge(self, command: Train) -> Hopeless | None:
        """Whether a training will hardly beat the best, from how others of this search went on."""
        incumbent = command.incumbent
        if incumbent is None:
            return None

        def hopeless(curve: list[float], epochs: int) -> bool:
            if not should_kill(curve, epochs, incumbent, command.curves):
                return False
            chance = chance_to_beat(curve, epochs, incumbent, command.curves)
            self.sink.emit(
                Log(
                    text=f"Network {command.number} was ended after {len(curve)} of {epochs} passes: the "
                    f"chance that it would beat {incumbent:.1%} was {chance:.1%}."
                )
            )
            return True

        return hopeless

    def _fit_probe(
        self, model: LinearProbe, command: Train | Export, training: Examples, validation: Examples | None
    ) -> None:
        """Choose the regularisation on the validation split; the final fit uses what was chosen."""
        chosen = self.run / "trials" / f"{command.number}.strength"
        if validation is None:
            fit_probe(model, training, strength=float(chosen.read_text()), seed=command.seed)
            return
        losses: dict[float, float] = {}
        targets = validation.labels.cpu().numpy()
        for strength in STRENGTHS:
            if self.should_stop():
                raise Cancelled("training was stopped")
            fit_probe(model, training, strength=strength, seed=command.seed)
            losses[strength] = log_loss(torch.softmax(predict(model, validation), 1).cpu().numpy(), targets)
        best = min(losses, key=losses.__getitem__)
        fit_probe(model, training, strength=best, seed=command.seed)
        chosen.write_text(str(best))

    def _new_model(self, kind: Kind, genome: Genome, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        if kind is Kind.MAJORITY:
            return Majority(self.classes)
        if kind is Kind.LINEAR_PROBE:
            return LinearProbe(TRUNKS[self._prepared().trunk].embedding, self.classes)
        return build(genome, self.classes)

    def _genome(self, data: dict[str, object] | None) -> Genome:
        plan = self._prepared()
        if data is None:  # controls have no decisions
            return linear_probe(Trunk(plan.trunk, plan.trunk_resolution))
        return Genome.from_dict(data)

    def _examples(self, genome: Genome, *splits: str) -> Examples:
        """The pictures of some splits, as the features this genome reads."""
        self._prepared()
        assert self._inputs is not None  # noqa: S101 -- set together with the plan
        return self._inputs.examples(input_shapes(genome), *splits)

    def _prepared(self) -> Plan:
        if self.plan is None:
            raise SearchEngineError("The engine was asked to train before it had prepared the pictures.")
        return self.plan

    def _epoch_reporter(self, number: int) -> Callable[[int, int, float, float, float], None]:
        def report(epoch: int, epochs: int, loss: float, accuracy: float, seconds: float) -> None:
            self.sink.emit(
                EpochDone(
                    number=number,
                    epoch=epoch,
                    epochs=epochs,
                    train_loss=loss,
                    accuracy=accuracy,
                    seconds=seconds,
                )
            )

        return report

    def _latency_ms(self, model: nn.Module, genome: Genome, kind: Kind) -> float:
        """Median of one picture through the whole network, measured on this machine."""
        if kind is Kind.MAJORITY:
            return 0.0
        data = candidate_onnx(model.cpu().eval(), genome)
        runtime = session(data)
        feeds = {item.name: np.zeros((1, *item.shape[1:]), np.float32) for item in runtime.get_inputs()}
        before = 0.0 if genome.trunk is None else self._prepared().rates[TRUNK_LATENCY]
        return before + median_latency_ms(lambda: runtime.run(None, feeds))

    def _save(self, model: nn.Module, number: int) -> None:
        path = self.run / "trials" / f"{number}.safetensors"
        temporary = path.with_suffix(".tmp")
        save_file({k: v.cpu().contiguous() for k, v in model.state_dict().items()}, temporary)
        temporary.replace(path)

    # --- export ---------------------------------------------------------------------------------------------

    def export(self, command: Export) -> Exported:
        """Write the bundle of a trained trial; if it is the final one, open the sealed test split."""
        kind, genome = Kind(command.kind), self._genome(command.genome)
        model, figures = self._trained(kind, genome, command.number)
        refit = command.final and command.refit and self._fit_again(command, kind, genome, figures)
        model = refit or model
        trunk = load_trunk(genome.trunk.name) if genome.trunk else None
        serving = ServingModel(trunk, model.cpu().eval(), genome.resolution)
        subject = Subject(
            number=command.number,
            model=serving,
            genome=genome,
            kind=kind,
            title=command.title,
            labels=self.manifest.labels,
            validation=figures,
            splits={split: len(self.manifest.of(split)) for split in ("train", "validation", "test")},
            refit=bool(refit),
            search_round=command.round,
        )
        card = write_bundle(
            subject,
            Path(command.out),
            root=self.manifest.root,
            validation=self._inputs.of("validation") if self._inputs else (),
            test=self.manifest.of("test") if command.final else (),
            run=self.run,
            sink=self.sink,
        )
        return Exported(number=command.number, out=command.out, model=card)

    def _trained(self, kind: Kind, genome: Genome, number: int) -> tuple[nn.Module, dict[str, float]]:
        """A trial's network, and its figures on pictures it was not trained on."""
        model = self._new_model(kind, genome, self.seed).to(self.device)
        model.load_state_dict(load_file(self.run / "trials" / f"{number}.safetensors"))
        return model, self._validation_figures(model, genome)

    def _validation_figures(self, model: nn.Module, genome: Genome) -> dict[str, float]:
        examples = self._examples(genome, "validation")
        logits = predict(model, examples).cpu()
        targets = examples.labels.cpu()
        accuracy = float((logits.argmax(1) == targets).float().mean())
        loss = log_loss(torch.softmax(logits, 1).numpy(), targets.numpy())
        return {"accuracy": accuracy, "log_loss": loss, "n": len(targets)}

    def _fit_again(
        self, command: Export, kind: Kind, genome: Genome, before: dict[str, float]
    ) -> nn.Module | None:
        """The candidate fitted on training and validation pictures, or None if that went wrong.

        A fit that knows the validation pictures and is no better on them than one that does not has failed
        (its time was cut, or it diverged); the trial's own weights are then the better ones.
        """
        self.sink.emit(Progress(phase="export", text="Training the best network on all pictures"))
        everything = self._examples(genome, "train", "validation")
        try:
            model, _, _ = self._fit(command, kind, genome, everything, None)
        except TrialFailed as failure:
            self.sink.emit(Log(text=f"The final training failed, its trial's weights are kept: {failure}"))
            return None
        after = self._validation_figures(model, genome)
        if after["accuracy"] >= before["accuracy"]:
            return model
        self.sink.emit(
            Log(
                text="The final training on all pictures came out worse than the trial, "
                f"{after['accuracy']:.3f} against {before['accuracy']:.3f}; the trial's weights are kept."
            )
        )
        return None


def _quiet(epoch: int, epochs: int, loss: float, accuracy: float, seconds: float) -> None:
    """The final fit has no validation accuracy to report."""
