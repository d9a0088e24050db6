"""The ledger of a search from its rows; the engine knows the format and can replay it."""

from __future__ import annotations

from search_engine.data.manifest import read_manifest
from search_engine.ledger import Entry, Ledger, asked
from search_engine.trial import Origin
from webapp.core.errors import UserError
from webapp.datasets.services import write_version_manifest
from webapp.searches.models import Search, Trial
from webapp.searches.replay import folds_of, search_config, search_plan


def ledger_of(search: Search) -> Ledger:
    """Everything that a search tried so far.

    Raises:
        UserError: it has not measured the machine yet, so there is no plan and no trial.
    """
    if search.plan is None:
        message = "This search has not tried anything yet. Ask again in a minute."
        raise UserError("not_yet", message, status=409)
    return Ledger(
        config=search_config(search),
        plan=search_plan(search),
        split=read_manifest(write_version_manifest(search.version)).digest,
        entries=tuple(_entry(trial, search.strategy) for trial in search.trials.order_by("number")),
    )


def _entry(trial: Trial, strategy: str) -> Entry:
    return Entry(
        number=trial.number,
        kind=trial.kind,
        origin=trial.origin,
        state=trial.state,
        strategy=asked(Origin(trial.origin), strategy),
        vector=tuple(trial.vector),
        genome=trial.genome,
        hash=trial.genome_hash,
        parent=trial.parent_number,
        seed=trial.seed,
        rung=trial.rung,
        drawn=trial.drawn,
        killed=trial.killed,
        repeat_of=trial.repeat_of,
        found=tuple((tuple(vector), score) for vector, score in trial.found),
        members=tuple((number, weight) for number, weight in trial.members),
        epochs=trial.epochs,
        seconds=trial.seconds,
        folds=folds_of(trial),
        accuracy=trial.accuracy,
        standard_error=trial.standard_error,
        loss=trial.loss,
        parameters=trial.parameters,
        macs=trial.macs,
        latency_ms=trial.latency_ms,
        size_bytes=trial.size_bytes,
        error=trial.error,
        figures=trial.figures,
    )
