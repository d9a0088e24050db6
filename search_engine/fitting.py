"""Models of one search, fitted: from a genome and an order to train it to a network with weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from search_engine.commands import Refit, Train
from search_engine.config import Plan
from search_engine.data.manifest import TRAIN, VALIDATION
from search_engine.errors import Cancelled, SearchEngineError, TrialFailed
from search_engine.evaluate.bootstrap import shares_of
from search_engine.evaluate.latency import median_latency_ms
from search_engine.evaluate.task import Task
from search_engine.events import EpochDone, EventSink, Log
from search_engine.export.onnx import candidate_onnx
from search_engine.fidelity.between import chance_to_reach
from search_engine.fidelity.curves import THRESHOLD, chance_to_beat, should_kill
from search_engine.space.architecture import LBFGS, Genome, Trunk, linear_probe
from search_engine.space.build import Candidate
from search_engine.space.networks import build, input_shapes
from search_engine.space.scratch import at_resolution
from search_engine.space.trunks import TRUNKS
from search_engine.trainer.folds import Fold, out_of_fold
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


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training came to.

    Attributes:
        models: one a fold; fewer if it was ended between two folds.
        epochs: of the first.
        killed: whether it was ended early.
    """

    models: list[nn.Module]
    epochs: int
    killed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitter:
    """What fitting needs to know of a prepared search.

    Attributes:
        run: folder of the search; weights go into its ``trials``.
        plan, inputs: of the search.
        classes: labels.
        task: what is asked about them.
        device: to train on.
        sink: gets epochs and lines of the log.
        should_stop: asked often.
    """

    run: Path
    plan: Plan
    inputs: Inputs
    classes: int
    task: Task
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

    def on_rung(self, command: Train, genome: Genome) -> tuple[Genome, list[Fold]]:
        """The network on the command's rung, and the pictures to train and to judge it on."""
        shapes = input_shapes(genome)
        if command.folds > 1:
            folds = self.inputs.folds(shapes, command.folds)
        else:
            folds = [Fold(self.examples(genome, "train"), self.examples(genome, "validation"))]
        if command.scale < 1.0:
            side = round(command.scale * genome.resolution)
            genome = at_resolution(genome, side)
            folds = [
                Fold(smaller(fold.training, side), fold.held_out and smaller(fold.held_out, side))
                for fold in folds
            ]
        return genome, [replace(fold, training=fewer(fold.training, command.share)) for fold in folds]

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

    def fit(self, command: Train | Refit, kind: Kind, genome: Genome, folds: Sequence[Fold]) -> Fitted:
        """A trained model a fold. A refit has one fold with nothing held out."""
        if kind in (Kind.NETWORK, Kind.FINE_TUNE) and genome.recipe.solver != LBFGS:
            return self._fit_network(command, genome, folds)
        models = [self._new_model(kind, genome, command.seed).to(self.device) for _ in folds]
        if kind is Kind.MAJORITY:
            for model, fold in zip(models, folds, strict=True):
                model.fit(fold.training.labels)  # type: ignore[operator]
            return Fitted(models, 0)
        strength = self._chosen(command)
        if kind is Kind.LINEAR_PROBE:
            probes = [model for model in models if isinstance(model, LinearProbe)]
            self._keep_strength(command, self._fit_probes(probes, command, folds, strength))
        else:
            linear = [model for model in models if isinstance(model, Candidate)]
            self._fit_logistic(linear, command, folds, strength)
        # To its optimum, so in full, whatever full is.
        return Fitted(models, 1 if kind is Kind.LINEAR_PROBE else command.epochs)

    def _fit_network(self, command: Train | Refit, genome: Genome, folds: Sequence[Fold]) -> Fitted:
        """By gradient descent, fold by fold; the first is what the page shows and what may end it early."""
        until = time.monotonic() + command.seconds
        strength = self._chosen(command)
        models: list[nn.Module] = []
        epochs = command.epochs
        for place, fold in enumerate(folds):
            first = place == 0
            model = self._new_model(Kind.NETWORK, genome, command.seed).to(self.device)
            model_until = time.monotonic() + (until - time.monotonic()) / (len(folds) - place)
            if isinstance(model, Candidate) and model.tail is not None:
                shorter = replace(command, seconds=HEAD_SHARE * max(0.0, model_until - time.monotonic()))
                strength = self._fit_head_first(model, genome, shorter, fold, strength)
            result = train(
                model,
                fold.training,
                fold.held_out if first else None,
                genome.recipe,
                epochs=epochs,
                seconds=max(0.0, model_until - time.monotonic()),
                seed=command.seed,
                on_epoch=self._epoch_reporter(command.number) if first and fold.held_out else _quiet,
                should_stop=self.should_stop,
                hopeless=self._judge(command) if first and isinstance(command, Train) else None,
            )
            models.append(model)
            epochs = result.epochs if first else epochs
            if result.killed or (isinstance(command, Train) and self._behind(command, models, folds)):
                return Fitted(models, epochs, killed=True)
        return Fitted(models, epochs)

    def _fit_head_first(
        self, model: Candidate, genome: Genome, command: Train | Refit, fold: Fold, strength: float | None
    ) -> float | None:
        """Fit the head on the frozen trunk and give the model both.

        Args:
            model: with a part of the trunk.
            genome: its.
            command: with the seconds that this may take.
            fold: to learn from.
            strength: regularisation that is chosen already, by an earlier fold or the trial of a refit.

        Returns:
            The regularisation that was used; None where there is none to choose.
        """
        frozen = with_frozen_trunk(genome)
        names = input_shapes(frozen)
        seen = replace(self.inputs.examples(names), rows=fold.training.rows)
        checked = fold.held_out and replace(self.inputs.examples(names), rows=fold.held_out.rows)
        head = build(frozen, self.classes).to(self.device)
        assert isinstance(head, Candidate)  # noqa: S101 -- it has a trunk
        if frozen.recipe.solver == LBFGS:
            strength = self._fit_logistic([head], command, [Fold(seen, checked)], strength)
        else:
            train(
                head,
                seen,
                None,
                frozen.recipe,
                epochs=head_epochs(len(seen)),
                seconds=command.seconds,
                seed=command.seed,
                on_epoch=_quiet,
                should_stop=self.should_stop,
            )
        take_over(model, head)
        return strength

    def _fit_logistic(
        self,
        models: Sequence[Candidate],
        command: Train | Refit,
        folds: Sequence[Fold],
        strength: float | None,
    ) -> float:
        """By L-BFGS; the regularisation is kept for a refit."""
        used = fit_logistic(
            models,
            folds,
            strength=strength,
            seconds=command.seconds,
            seed=command.seed,
            should_stop=self.should_stop,
        )
        self._keep_strength(command, used)
        return used

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

    def _behind(self, command: Train, models: Sequence[nn.Module], folds: Sequence[Fold]) -> bool:
        """Whether a network that some folds have judged will hardly beat the best over all of them."""
        if command.incumbent is None or len(models) == len(folds):
            return False
        logits, targets = out_of_fold(models, folds)
        right, judged = (
            self.task.right(self.task.probabilities(logits.numpy()), targets.numpy()),
            len(targets),
        )
        count = sum(len(fold.held_out) for fold in folds if fold.held_out is not None)
        chance = chance_to_reach(float(shares_of(right).sum()), judged, count, command.incumbent)
        if chance >= THRESHOLD / (len(command.curves) + 1):
            return False
        self.sink.emit(
            Log(
                text=f"Network {command.number} was ended after {len(models)} of {len(folds)} folds: "
                f"right on {self.task.told(right)} so far, the chance that it would beat "
                f"{command.incumbent:.1%} was {chance:.1%}."
            )
        )
        return True

    def _fit_probes(
        self,
        models: Sequence[LinearProbe],
        command: Train | Refit,
        folds: Sequence[Fold],
        strength: float | None,
    ) -> float:
        """Choose the regularisation by what is held out, unless it was chosen; returns it."""

        def fit(value: float) -> None:
            for model, fold in zip(models, folds, strict=True):
                if self.should_stop():
                    raise Cancelled("training was stopped")
                fit_probe(model, fold.training, strength=value, seed=command.seed)

        if strength is not None:
            fit(strength)
            return strength
        losses: dict[float, float] = {}
        for value in STRENGTHS:
            fit(value)
            logits, targets = out_of_fold(models, folds)
            losses[value] = self.task.loss(self.task.probabilities(logits.numpy()), targets.numpy())
        best = min(losses, key=losses.__getitem__)
        fit(best)
        return best

    def _chosen(self, command: Train | Refit) -> float | None:
        """The regularisation that a refit takes over from its trial; None where it is to be chosen."""
        if isinstance(command, Train):
            return None
        path = self._strength_file(command.source)
        return float(path.read_text()) if path.exists() else None

    def _keep_strength(self, command: Train | Refit, strength: float) -> None:
        """For a refit of this trial."""
        if isinstance(command, Train):
            self._strength_file(command.number).write_text(str(strength))

    def _strength_file(self, number: int) -> Path:
        return self.run / "trials" / f"{number}.strength"

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
        """Remember what a trial says of the pictures that judge it, (N, classes)."""
        write_array(self._logits_file(number), logits.astype(np.float32))

    def logits(self, number: int, kind: Kind, genome: Genome) -> np.ndarray:
        """What a trial that was trained in full says of the pictures that judge it, (N, classes) float32.

        In a cross-validation each picture's answer is that of a network which had not seen it.
        """
        path = self._logits_file(number)
        if not path.exists():
            if self.plan.crossed:
                raise SearchEngineError(f"The answers of trial {number} are lost; search again.")
            # Of a search that is older than this file.
            self.keep_logits(number, self.ask(self.load(kind, genome, number), genome))
        logits: np.ndarray = np.load(path)
        return logits

    def ask(self, model: nn.Module, genome: Genome) -> np.ndarray:
        """What a network says of the pictures that judge trials, (N, classes)."""
        logits: np.ndarray = predict(model, self.examples(genome, *self.judging)).float().cpu().numpy()
        return logits

    def _logits_file(self, number: int) -> Path:
        return self.run / "trials" / f"{number}.logits.npy"

    @property
    def judging(self) -> tuple[str, ...]:
        """The splits whose pictures judge a network that is trained in full."""
        return (TRAIN, VALIDATION) if self.plan.crossed else (VALIDATION,)

    @property
    def targets(self) -> np.ndarray:
        """(N,) or (N, L) targets of the pictures that judge trials."""
        targets: np.ndarray = self.inputs.examples((), *self.judging).labels.cpu().numpy()
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
