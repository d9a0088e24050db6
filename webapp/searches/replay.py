"""A search's rows as the engine's planner sees them: frozen data, rebuilt from the database each time."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Case, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Power
from django.utils import timezone

from search_engine.config import AUTO, Plan, SearchConfig
from search_engine.families import rungs, schedule
from search_engine.objective import EXPONENT, OBJECTIVES, fits, reward_of
from search_engine.proposing import CURVES, space_of
from search_engine.space.base import GenomeSpace
from search_engine.steps import TrainStep
from search_engine.strategies.auto import choose
from search_engine.trial import Kind, Origin, TrialState
from search_engine.trial import Trial as FrozenTrial
from webapp.searches.models import Search, Trial

DEFAULT_OBJECTIVE = OBJECTIVES[0]
"""The only one under which the milliseconds of a search are a bound."""
EXPORT_FAILED = "export"
"""``Trial.error_kind`` of a trained network that could not be exported once; it is tried once more."""
EXPORT_HOPELESS = "export_twice"
"""``Trial.error_kind`` of a trained network that could not be exported twice."""


def search_config(search: Search) -> SearchConfig:
    """What the user decided about the search."""
    return SearchConfig(
        budget_seconds=search.budget_minutes * 60,
        seed=search.seed,
        space=search.space,
        trunk=search.trunk,
        strategy=search.strategy,
        slots=search.slot_count,
        max_trials=search.max_trials,
        max_latency_ms=search.max_latency_ms,
        max_parameters=search.max_parameters,
        start=search.start,
        fidelity=search.fidelity,
        ensemble=search.ensemble,
        saving=search.saving,
        objective=search.objective,
        random_share=search.random_share,
        prefilter=search.prefilter,
        early_stop=search.early_stop,
    )


def search_plan(search: Search) -> Plan:
    """What the engine planned after measuring; only once it has."""
    return Plan.from_dict(search.plan or {})


def affords(search: Search) -> int:
    """How many networks the search's budget affords, as its strategy was told."""
    return search_plan(search).affords(search_config(search))


def strategy_name(search: Search) -> str:
    """The strategy that proposes; of ``auto`` the one that it chose, once there is a plan."""
    if search.strategy != AUTO or search.plan is None:
        return search.strategy
    return choose(affords(search)).name


def search_space(search: Search) -> GenomeSpace:
    """The space that the search tries, within its limits; only once it is planned."""
    return space_of(search_config(search), search_plan(search))


def top_rung(search: Search) -> int:
    """The rung on which networks are trained in full."""
    return 0 if search.plan is None else len(rungs(search_config(search), search_plan(search))) - 1


def fitting(trials: QuerySet[Trial]) -> QuerySet[Trial]:
    """Those of some trials that are within the limits of their search, as ``objective.fits`` says."""
    for what, bound in (("parameters", Q()), ("latency_ms", Q(search__objective=DEFAULT_OBJECTIVE))):
        limit = f"search__max_{what}"
        within = Q(**{limit: None}) | Q(**{what: None}) | Q(**{f"{what}__lte": F(limit)})
        trials = trials.filter(within if not bound else within | ~bound)
    return trials


def earned() -> Case:
    """What a trial earned in its search, as ``objective.reward_of`` says, for the database to order by."""
    aimed = Q(search__objective="mnasnet", search__max_latency_ms__gt=0, latency_ms__gt=0)
    product = F("accuracy") * Power(F("latency_ms") / F("search__max_latency_ms"), Value(EXPONENT))
    return Case(When(aimed, then=product), default=F("accuracy"), output_field=FloatField())


def contenders(search: Search) -> QuerySet[Trial]:
    """The trials with a result that may win: within the limits, and networks only if trained in full.

    In a cross-validation what was ended early has answered on fewer pictures than the others.
    """
    network = Q(rung=top_rung(search)) if search.folds == 1 else Q(rung=top_rung(search), killed=False)
    whole = ~Q(kind=Trial.Kind.NETWORK) | network
    return fitting(search.trials.filter(whole, state=Trial.State.FINISHED, accuracy__isnull=False))


def elapsed(search: Search) -> float:
    """Seconds of the budget that are spent. The clock stands still while a search is paused or over."""
    if search.started_at is None:
        return 0.0
    until = search.paused_at or search.finished_at or timezone.now()
    return (until - search.started_at).total_seconds() - search.paused_seconds


def frozen(row: Trial, config: SearchConfig) -> FrozenTrial:
    """The trial as strategies see it. One that cannot be exported is of no use, so it counts as failed."""
    hopeless = row.error_kind == EXPORT_HOPELESS
    return FrozenTrial(
        number=row.number,
        kind=Kind(row.kind),
        origin=Origin(row.origin),
        state=TrialState.FAILED if hopeless else TrialState(row.state),
        vector=tuple(row.vector),
        key=row.genome_hash,
        parent=row.parent_number,
        reward=None if hopeless else reward_of(config, row.accuracy, row.latency_ms),
        seconds=row.seconds,
        rung=row.rung,
        epochs=row.epochs,
        fits=fits(config, row.parameters, row.latency_ms),
        killed=row.killed,
        drawn=row.drawn,
        found=tuple((tuple(vector), score) for vector, score in row.found),
        members=tuple((number, weight) for number, weight in row.members),
    )


def frozen_all(rows: Iterable[Trial], config: SearchConfig) -> list[FrozenTrial]:
    return [frozen(row, config) for row in sorted(rows, key=lambda row: row.number)]


def curves(search: Search, step: TrainStep) -> list[list[float]]:
    """Validation accuracies, epoch by epoch, of the newest networks of the step's kind trained to the end."""
    whole = search.trials.filter(
        kind=Trial.Kind.NETWORK, state=Trial.State.FINISHED, rung=step.rung, killed=False, repeat_of=None
    )
    plan = search_plan(search)
    # From scratch, on a trunk, and with a part of that trained they climb along other curves.
    alike = [
        number
        for number, vector in whole.order_by("-number").values_list("number", "vector")
        if schedule(plan, tuple(vector)) == schedule(plan, step.vector)
    ]
    newest = whole.filter(number__in=alike[:CURVES]).order_by("-number").prefetch_related("epoch_rows")
    known = [([epoch.accuracy for epoch in trial.epoch_rows.all()], trial.accuracy) for trial in newest]
    # In a cross-validation the epochs are those of the first fold; what counts in the end is all of them.
    return [[*curve[:-1], curve[-1] if end is None else end] for curve, end in known if curve]


def folds_of(trial: Trial) -> int:
    """Of a trial's cross-validation; 1 where the validation pictures alone judged it, or nothing did."""
    brief = trial.kind == Trial.Kind.NETWORK and trial.rung < top_rung(trial.search)
    return 1 if brief or trial.accuracy is None else trial.search.folds
