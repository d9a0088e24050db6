"""From a step of the planner to the command for an engine; the site and the command line share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_engine.commands import Combine, Doubt, Refit, Supernet, Train
from search_engine.config import SearchConfig
from search_engine.events import Message
from search_engine.objective import latency_bound
from search_engine.reserve import MOST_MEMBERS, doubt_seconds
from search_engine.space.base import GenomeSpace
from search_engine.space.shared import shared_base
from search_engine.steps import ExportStep, TrainStep
from search_engine.trial import Kind


@dataclass(frozen=True, slots=True)
class Record:
    """What a command has to say of an earlier trial.

    Attributes:
        kind: a value of ``Kind``.
        genome: as ``Genome.to_dict`` writes it; None for ``majority``.
        latency_ms: of one picture through the whole network; None if it was not measured.
    """

    kind: str
    genome: dict[str, Any] | None
    latency_ms: float | None = None


RecordOf = Callable[[int], Record]
"""From the number of a trial."""


def order(
    step: TrainStep,
    config: SearchConfig,
    *,
    space: Callable[[], GenomeSpace],
    record: RecordOf,
    curves: Callable[[TrainStep], list[list[float]]],
) -> Message:
    """The command for a step.

    Args:
        step: as the planner made it.
        config: of the search.
        space: what the search tries; only asked for shared weights.
        record: of earlier trials.
        curves: learning curves of networks that were trained like this one to the end, epoch by epoch.
    """
    genome = step.genome.to_dict() if step.genome else None
    if step.kind is Kind.SUPERNET:
        base = shared_base(space())
        return Supernet(
            number=step.number,
            seed=step.seed,
            seconds=step.seconds,
            genome=base.to_dict() if base else None,
        )
    if step.kind is Kind.ENSEMBLE:
        return Combine(
            number=step.number,
            rivals=[_line(number, record) for number in step.rivals],
            most=MOST_MEMBERS,
            max_parameters=config.max_parameters,
            max_latency_ms=latency_bound(config),
        )
    if step.kind is Kind.REFIT and step.parent is not None:
        return Refit(
            number=step.number,
            source=step.parent,
            kind=step.trains.value,
            genome=genome,
            seed=step.seed,
            epochs=step.epochs,
            seconds=step.seconds,
        )
    return Train(
        number=step.number,
        kind=step.kind.value,
        genome=genome,
        seed=step.seed,
        epochs=step.epochs,
        seconds=step.seconds,
        share=step.share,
        scale=step.scale,
        folds=step.folds,
        incumbent=step.incumbent,
        curves=[] if step.incumbent is None else curves(step),
        max_latency_ms=step.max_latency_ms,
    )


def parts_for(step: ExportStep, record: RecordOf) -> list[dict[str, Any]]:
    """The ``parts`` of an export's command."""
    return [
        _line(part.number, record) | {"weights": part.weights, "share": part.share} for part in step.parts
    ]


def doubt_for(
    step: ExportStep, config: SearchConfig, folds: int, *, record: RecordOf, left: float, out: Path
) -> Doubt:
    """The command to look for wrong labels, once the final export is done.

    Args:
        step: the final export.
        config: of the search.
        folds: of its cross-validation.
        record: of earlier trials.
        left: seconds of the budget that are left.
        out: file for the ranking.
    """
    return Doubt(
        parts=parts_for(step, record), seconds=doubt_seconds(config, folds, left), out=str(out.absolute())
    )


def _line(number: int, record: RecordOf) -> dict[str, Any]:
    found = record(number)
    return {
        "number": number,
        "kind": found.kind,
        "genome": found.genome,
        "latency_ms": found.latency_ms,
    }
