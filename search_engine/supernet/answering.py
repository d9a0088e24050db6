"""The engine's command ``Supernet``, answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from search_engine.commands import Supernet
from search_engine.config import Plan
from search_engine.events import EventSink, Progress, SupernetDone
from search_engine.space.architecture import Genome
from search_engine.space.registry import planned_space
from search_engine.supernet.paths import default_base
from search_engine.supernet.search import search_supernet
from search_engine.trainer.loop import Examples


class ExamplesOf(Protocol):
    """Gives the pictures of some splits, as the features that a genome reads."""

    def __call__(self, genome: Genome, *splits: str) -> Examples: ...


def share_weights(
    command: Supernet,
    plan: Plan,
    examples: ExamplesOf,
    classes: int,
    sink: EventSink,
    *,
    stop: Callable[[], bool],
) -> SupernetDone:
    """Search the cells of the planned space. See ``search_supernet`` for what may be raised."""
    space = planned_space(plan)
    base = Genome.from_dict(command.genome) if command.genome else default_base(space)
    result = search_supernet(
        space,
        base,
        examples(base, "train"),
        examples(base, "validation"),
        classes,
        seconds=command.seconds,
        seed=command.seed,
        on_progress=lambda text, share: sink.emit(
            Progress(phase="supernet", text=text, done=int(100 * share), total=100)
        ),
        should_stop=stop,
    )
    return SupernetDone(
        number=command.number,
        found=[{"vector": list(vector), "accuracy": accuracy} for vector, accuracy in result.found],
        steps=result.steps,
        scored=result.scored,
        histogram=result.histogram,
        seconds=result.seconds,
    )
