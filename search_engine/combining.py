"""Finishing, in the engine: what answers best together, fitted again on all pictures, as one model."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from search_engine.commands import Combine, Export, Refit
from search_engine.errors import TrialFailed
from search_engine.evaluate.bootstrap import pack_bits, standard_error_of
from search_engine.evaluate.ensemble import mixture, select
from search_engine.events import Combined, Progress, Refitted
from search_engine.export.bundle import Member
from search_engine.export.onnx import ServingModel, ServingPart
from search_engine.fitting import TRUNK_LATENCY, Fitter
from search_engine.space.architecture import Genome
from search_engine.space.cost import Cost, cost_together, frozen_share
from search_engine.trainer.folds import Fold
from search_engine.trial import Kind
from search_engine.trunk.weights import load_trunk


@dataclass(frozen=True, slots=True)
class Rival:
    """A trained trial that may take part.

    Attributes:
        number, kind, genome: of the trial.
        latency_ms: of one picture through the whole network.
        temperature: that its logits are to be divided by.
        probabilities: (N, classes) at that temperature, of the pictures that judge it: the validation split,
            or in a cross-validation all, each answered by a network that had not seen it.
    """

    number: int
    kind: Kind
    genome: Genome
    latency_ms: float
    temperature: float
    probabilities: np.ndarray

    @classmethod
    def of(cls, data: dict[str, Any], fitter: Fitter, targets: np.ndarray) -> Self:
        """From a line of a command; ``targets`` are the labels of the pictures that judge."""
        number, kind, genome = data["number"], Kind(data["kind"]), fitter.genome(data["genome"])
        logits = fitter.logits(number, kind, genome)
        temperature = fitter.task.fit_temperature(logits, targets)
        latency = data.get("latency_ms") or 0.0
        return cls(number, kind, genome, latency, temperature, fitter.task.probabilities(logits, temperature))


def combine(command: Combine, fitter: Fitter) -> Combined:
    """Select what answers best together on the validation split, within the limits.

    One network alone is answered if nothing is better with another, or if together they are right on fewer
    pictures than the best alone by more than the standard error.
    """
    started = time.monotonic()
    fitter.sink.emit(Progress(phase="finish", text="Looking which networks are better together"))
    targets, task = fitter.targets, fitter.task
    rivals = [Rival.of(data, fitter, targets) for data in command.rivals]

    def allowed(places: Collection[int]) -> bool:
        some = [rivals[place] for place in places]
        small = command.max_parameters is None or (
            cost_together([r.genome for r in some], fitter.classes).parameters <= command.max_parameters
        )
        return small and (
            command.max_latency_ms is None or latency_together(some, fitter) <= command.max_latency_ms
        )

    chosen = select(
        [r.probabilities for r in rivals], targets, most=command.most, allowed=allowed, loss=task.loss
    )
    mixed = _mixed(rivals, chosen)
    alone = task.right(rivals[0].probabilities, targets)
    least = alone.mean() - standard_error_of(alone)
    if len(chosen) == 1 or task.right(mixed, targets).mean() < least:
        chosen = {0: 1}
        mixed = _mixed(rivals, chosen)
    together, right = [rivals[place] for place in chosen], task.right(mixed, targets)
    whole, accuracy = cost_together([r.genome for r in together], fitter.classes), float(right.mean())
    return Combined(
        number=command.number,
        members=[
            {"number": rivals[place].number, "weight": count / sum(chosen.values())}
            for place, count in chosen.items()
        ],
        accuracy=accuracy,
        standard_error=standard_error_of(right),
        loss=task.loss(mixed, targets),
        parameters=whole.parameters,
        macs=whole.macs,
        latency_ms=latency_together(together, fitter),
        size_bytes=4 * whole.parameters,
        seconds=time.monotonic() - started,
        right=pack_bits(right),
        figures=task.figures(mixed, targets),
    )


def _mixed(rivals: Sequence[Rival], counts: dict[int, int]) -> np.ndarray:
    total = sum(counts.values())
    return mixture([rivals[p].probabilities for p in counts], [count / total for count in counts.values()])


def latency_together(rivals: Sequence[Rival], fitter: Fitter) -> float:
    """Milliseconds of one picture through several networks; the trunk that they share is run once.

    Of a network that trains the trunk's last stages those before are shared.
    """
    shared = sorted(frozen_share(rival.genome) for rival in rivals if rival.genome.trunk is not None)
    saved = sum(shared[:-1]) * fitter.plan.rates.get(TRUNK_LATENCY, 0.0)
    return sum(rival.latency_ms for rival in rivals) - saved


def refit(command: Refit, fitter: Fitter) -> Refitted:
    """Train a trial's network again, on the training and the validation pictures.

    Raises:
        TrialFailed: it diverged, or knows the pictures that judge and is worse on them than the trial,
            which does not: then its time was cut, or it went wrong, and the trial's weights are the better.
            In a cross-validation those are the first fold's.
    """
    started = time.monotonic()
    fitter.sink.emit(Progress(phase="finish", text="Training the best networks on all pictures"))
    kind, genome = Kind(command.kind), fitter.genome(command.genome)
    everything = fitter.examples(genome, "train", "validation")
    fitted = fitter.fit(command, kind, genome, [Fold(everything, None)])
    [model] = fitted.models
    targets, task = fitter.targets, fitter.task
    before, after = (
        task.right(task.probabilities(logits), targets)
        for logits in (fitter.logits(command.source, kind, genome), fitter.ask(model, genome))
    )
    if after.mean() < before.mean():
        raise TrialFailed(
            f"Training on all pictures came out worse than before, {after.mean():.1%} against "
            f"{before.mean():.1%}; the weights from before are kept.",
            kind="worse",
        )
    fitter.save(model, command.number)
    return Refitted(number=command.number, epochs=fitted.epochs, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A model that is ready to be exported.

    Attributes:
        model: as it serves.
        members: what it is made of.
        cost: of the whole.
        validation: ``accuracy``, ``log_loss``, ``calibration_error``, ``n`` and ``folds`` of the networks
            before they were fitted again; and more figures where pictures may have several labels.
        thresholds: the probability from which each label is given; none where the likeliest is.
    """

    model: ServingModel
    members: tuple[Member, ...]
    cost: Cost
    validation: dict[str, Any]
    thresholds: tuple[float, ...] = ()


def assemble(command: Export, fitter: Fitter) -> Assembled:
    """Put the parts of an export together.

    Temperatures come from the trials' own answers on the validation pictures; a refit has seen these.
    """
    targets, task = fitter.targets, fitter.task
    rivals = [Rival.of(data, fitter, targets) for data in command.parts]
    shares = [float(data["share"]) for data in command.parts]
    mixed = task.logits(mixture([r.probabilities for r in rivals], shares))
    temperature = task.fit_temperature(mixed, targets)
    answers = task.probabilities(mixed, temperature)
    thresholds = task.thresholds(answers, targets)
    parts = [
        ServingPart(
            trunk=load_trunk(r.genome.trunk.name) if r.genome.trunk else None,
            candidate=fitter.load(r.kind, r.genome, data["weights"]).cpu().eval(),
            resolution=r.genome.resolution,
            temperature=r.temperature,
            share=share,
        )
        for r, share, data in zip(rivals, shares, command.parts, strict=True)
    ]
    members = tuple(
        Member(r.number, r.kind, r.genome, share, refit=data["weights"] != r.number)
        for r, share, data in zip(rivals, shares, command.parts, strict=True)
    )
    return Assembled(
        model=ServingModel(parts, temperature, multi=task.is_multi),
        members=members,
        cost=cost_together([r.genome for r in rivals], fitter.classes),
        validation=task.validation(answers, targets, thresholds) | {"folds": max(1, fitter.plan.folds)},
        thresholds=thresholds,
    )
