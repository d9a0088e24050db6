"""Models of one search, fitted: from a genome and an order to train it to a network with weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from search_engine.commands import Refit, Train
from search_engine.config import Plan
from search_engine.errors import Cancelled, TrialFailed
from search_engine.evaluate.latency import median_latency_ms
from search_engine.evaluate.metrics import log_loss
from search_engine.events import EpochDone, EventSink, Log
from search_engine.export.onnx import candidate_onnx
from search_engine.fidelity.curves import chance_to_beat, should_kill
from search_engine.space.architecture import LBFGS, Genome, Trunk, linear_probe
from search_engine.space.build import Candidate
from search_engine.space.networks import build, input_shapes
from search_engine.space.scratch import at_resolution
from search_engine.space.trunks import TRUNKS
from search_engine.trainer.inputs import Inputs
from search_engine.trainer.logistic import fit_logistic
from search_engine.trainer.loop import Examples, Hopeless, predict, train
from search_engine.trainer.probe import STRENGTHS, LinearProbe, Majority, fit_probe
from search_engine.trainer.shorten import fewer, smaller
from search_engine.trainer.tuning import HEAD_SHARE, head_epochs, take_over, with_frozen_trunk
from search_engine.trial import Kind
from search_engine.trunk.features import write_array
from search_engine.trunk.graph import session

TRUNK_LATENCY = "trunk_latency_ms"  # a key of ``Plan.rates``


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitter:
    """What fitting needs to know of a prepared search.

    Attributes:
        run: folder of the search; weights go into its ``trials``.
        plan, inputs: of the search.
        classes: labels.
        device: to train on.
        sink: gets epochs and lines of the log.
        should_stop: asked often.
    """

    run: Path
    plan: Plan
    inputs: Inputs
    classes: int
    device: torch.device
    sink: EventSink
    should_stop: Callable[[], bool]

    def genome(self, data: dict[str, object] | None) -> Genome:
        plan = self.plan
        if data is None:  # controls have no decisions
            return linear_probe(Trunk(plan.trunk, plan.trunk_resolution))
        return Genome.from_dict(data)

    def examples(self, genome: Genome, *splits: str) -> Examples:
        """The pictures of some splits, as the features this genome reads."""
        return self.inputs.examples(input_shapes(genome), *splits)

    def on_rung(self, command: Train, genome: Genome) -> tuple[Genome, Examples, Examples]:
        """The network on the command's rung, and the examples to train and to validate it on."""
        training, validation = self.examples(genome, "train"), self.examples(genome, "validation")
        if command.scale < 1.0:
            side = round(command.scale * genome.resolution)
            genome = at_resolution(genome, side)
            training, validation = smaller(training, side), smaller(validation, side)
        return genome, fewer(training, command.share), validation

    def check_latency(self, command: Train, kind: Kind, genome: Genome) -> None:
        """Before training, since weights do not change how long a network takes."""
        limit = command.max_latency_ms
        if limit is None or kind is not Kind.NETWORK:
            return
        latency = self.latency_ms(build(genome, self.classes), genome, kind)
        if latency > limit:
            raise TrialFailed(
                f"One picture takes it {latency:.1f} ms on this machine; the limit is {limit:g} ms.",
                kind="too_slow",
            )

    def fit(
        self,
        command: Train | Refit,
        kind: Kind,
        genome: Genome,
        training: Examples,
        validation: Examples | None,
    ) -> tuple[nn.Module, int, bool]:
        """A trained model, its epochs, and whether it was ended early. A refit has no validation set."""
        model = self._new_model(kind, genome, command.seed).to(self.device)
        if isinstance(model, Majority):
            model.fit(training.labels)
            return model, 0, False
        if isinstance(model, LinearProbe):
            self._fit_probe(model, command, training, validation)
            return model, 1, False
        if isinstance(model, Candidate) and genome.recipe.solver == LBFGS:
            self._fit_logistic(model, command, training, validation)
            return model, command.epochs, False  # to its optimum, so in full, whatever full is
        seconds = command.seconds
        if isinstance(model, Candidate) and model.tail is not None:
            seconds -= self._fit_head_first(model, genome, command, training, validation)
        result = train(
            model,
            training,
            validation,
            genome.recipe,
            epochs=command.epochs,
            seconds=seconds,
            seed=command.seed,
            on_epoch=self._epoch_reporter(command.number) if validation is not None else _quiet,
            should_stop=self.should_stop,
            hopeless=self._judge(command) if isinstance(command, Train) else None,
        )
        return model, result.epochs, result.killed

    def _fit_head_first(
        self,
        model: Candidate,
        genome: Genome,
        command: Train | Refit,
        training: Examples,
        validation: Examples | None,
    ) -> float:
        """Fit the head on the frozen trunk and give the model both; returns the seconds that it took."""
        started = time.monotonic()
        frozen = with_frozen_trunk(genome)
        names = input_shapes(frozen)
        seen = replace(self.inputs.examples(names), rows=training.rows)
        checked = validation and replace(self.inputs.examples(names), rows=validation.rows)
        shorter = replace(command, seconds=HEAD_SHARE * command.seconds)
        head = build(frozen, self.classes).to(self.device)
        assert isinstance(head, Candidate)  # noqa: S101 -- it has a trunk
        if frozen.recipe.solver == LBFGS:
            self._fit_logistic(head, shorter, seen, checked)
        else:
            train(
                head,
                seen,
                None,
                frozen.recipe,
                epochs=head_epochs(len(seen)),
                seconds=shorter.seconds,
                seed=command.seed,
                on_epoch=_quiet,
                should_stop=self.should_stop,
            )
        take_over(model, head)
        return time.monotonic() - started

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
        self, model: LinearProbe, command: Train | Refit, training: Examples, validation: Examples | None
    ) -> None:
        """Choose the regularisation on the validation split; a refit uses what was chosen."""
        if isinstance(command, Refit) or validation is None:
            source = command.source if isinstance(command, Refit) else command.number
            strength = float(self._strength_file(source).read_text())
            fit_probe(model, training, strength=strength, seed=command.seed)
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
        self._strength_file(command.number).write_text(str(best))

    def _strength_file(self, number: int) -> Path:
        return self.run / "trials" / f"{number}.strength"

    def _fit_logistic(
        self, model: Candidate, command: Train | Refit, training: Examples, validation: Examples | None
    ) -> None:
        """As ``_fit_probe``, by our own solver."""
        chosen = None
        if isinstance(command, Refit):
            chosen = float(self._strength_file(command.source).read_text())
        strength = fit_logistic(
            model,
            training,
            validation,
            strength=chosen,
            seconds=command.seconds,
            seed=command.seed,
            should_stop=self.should_stop,
        )
        if chosen is None:
            self._strength_file(command.number).write_text(str(strength))

    def _new_model(self, kind: Kind, genome: Genome, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        if kind is Kind.MAJORITY:
            return Majority(self.classes)
        if kind is Kind.LINEAR_PROBE:
            return LinearProbe(TRUNKS[self.plan.trunk].embedding, self.classes)
        return build(genome, self.classes)

    def load(self, kind: Kind, genome: Genome, number: int) -> nn.Module:
        """A trial's network as it was trained."""
        model = self._new_model(kind, genome, 0).to(self.device)
        model.load_state_dict(load_file(self.run / "trials" / f"{number}.safetensors"))
        return model

    def save(self, model: nn.Module, number: int) -> None:
        path = self.run / "trials" / f"{number}.safetensors"
        temporary = path.with_suffix(".tmp")
        save_file({k: v.cpu().contiguous() for k, v in model.state_dict().items()}, temporary)
        temporary.replace(path)

    def keep_logits(self, number: int, logits: np.ndarray) -> None:
        """Remember what a trial says of the validation pictures, (N, classes)."""
        write_array(self._logits_file(number), logits.astype(np.float32))

    def logits(self, number: int, kind: Kind, genome: Genome) -> np.ndarray:
        """What a trial that was trained in full says of the validation pictures, (N, classes) float32."""
        path = self._logits_file(number)
        if not path.exists():  # of a search that is older than this file
            self.keep_logits(number, self.ask(self.load(kind, genome, number), genome))
        logits: np.ndarray = np.load(path)
        return logits

    def ask(self, model: nn.Module, genome: Genome) -> np.ndarray:
        """What a network says of the validation pictures, (N, classes)."""
        logits: np.ndarray = predict(model, self.examples(genome, "validation")).float().cpu().numpy()
        return logits

    def _logits_file(self, number: int) -> Path:
        return self.run / "trials" / f"{number}.logits.npy"

    @property
    def targets(self) -> np.ndarray:
        """(N,) labels of the validation pictures."""
        targets: np.ndarray = self.inputs.examples((), "validation").labels.cpu().numpy()
        return targets

    def latency_ms(self, model: nn.Module, genome: Genome, kind: Kind) -> float:
        """Median of one picture through the whole network, measured on this machine."""
        if kind is Kind.MAJORITY:
            return 0.0
        if genome.unfrozen:  # as fast as on a frozen trunk, and that is measured already
            genome = replace(genome, unfrozen=0)
            model = build(genome, self.classes)
        data = candidate_onnx(model.cpu().eval(), genome)
        runtime = session(data)
        feeds = {item.name: np.zeros((1, *item.shape[1:]), np.float32) for item in runtime.get_inputs()}
        before = 0.0 if genome.trunk is None else self.plan.rates[TRUNK_LATENCY]
        return before + median_latency_ms(lambda: runtime.run(None, feeds))

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


def _quiet(epoch: int, epochs: int, loss: float, accuracy: float, seconds: float) -> None:
    """A refit has no validation accuracy to report."""
