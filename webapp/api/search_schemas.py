"""The shapes of answers about searches and their trials."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from search_engine.ledger import asked
from search_engine.trial import Origin
from webapp.searches.choices import (
    DEFAULTS,
    Words,
    fidelities,
    objectives,
    savings,
    spaces,
    strategies,
    trunks,
)
from webapp.searches.models import Search, Trial
from webapp.searches.replay import contenders, earned, folds_of
from webapp.searches.services import seconds_left


def described(words: dict[str, Words]) -> str:
    """The names that a field takes, each with its sentence."""
    return "\n".join(f"`{name}`: {choice.text or choice.title}" for name, choice in words.items())


class SearchIn(Schema):
    dataset: int = Field(description="Id of the data set; its latest version is trained on.")
    budget_minutes: float = Field(description="From the start to the finished model, 0.5 to 1440.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Rules every random choice.")
    strategy: str = Field(
        DEFAULTS.strategy, description=f"How networks are proposed. {described(strategies())}"
    )
    space: str = Field(DEFAULTS.space, description=f"What is searched. {described(spaces())}")
    trunk: str = Field(DEFAULTS.trunk, description=f"The pretrained network. {described(trunks())}")
    fidelity: str = Field(
        DEFAULTS.fidelity, description=f"How long each network is trained. {described(fidelities())}"
    )
    saving: str = Field(
        DEFAULTS.saving,
        description="What short trainings have less of, where `fidelity` is not `full`. "
        f"{described(savings())}",
    )
    objective: str = Field(
        DEFAULTS.objective, description=f"What the search maximises. {described(objectives())}"
    )
    random_share: float = Field(
        DEFAULTS.random_share,
        description="Share of the training that goes to networks drawn at random, 0 to 1: with them it can "
        "be said what the search was worth.",
    )
    prefilter: bool = Field(
        DEFAULTS.prefilter,
        description="Whether of several proposals the one is trained that its size speaks for, as long as "
        "size foretells accuracy in this search.",
    )
    early_stop: bool = Field(
        DEFAULTS.early_stop, description="Whether a training is ended that will hardly beat the best so far."
    )
    ensemble: bool = Field(
        DEFAULTS.ensemble,
        description="Whether several networks may answer together, if they are better so and within limits.",
    )
    max_latency_ms: float | None = Field(
        None,
        description="How long the network may take for a picture on the training machine; null: no limit. "
        "With the objective `mnasnet` it is aimed at.",
    )
    max_parameters: int | None = Field(
        None, description="How many numbers the network may hold; null: no limit."
    )
    start_from: int | None = Field(
        None,
        description="Id of an earlier search of yours on the same data set and in the same space; its best "
        "network is tried first.",
    )


class MinutesIn(Schema):
    minutes: float = Field(description="To add, at least 0.5; a search may take 1440 in all.")


class StepOut(Schema):
    text: str = Field(description="What is being done.")
    done: int
    total: int = Field(description="0 when it cannot be known.")


class SearchOut(Schema):
    id: int
    dataset: int
    version: int = Field(description="Number of the data set's version that is trained on.")
    state: str = Field(
        description="`queued`, `running`, `paused`, `finished`, `cancelled` or `failed`. Adding minutes "
        "brings `finished` and `cancelled` back to `running`."
    )
    phase: str = Field(description="`waiting`, `measure`, `prepare`, `search`, `finish` or `done`.")
    progress: StepOut | None = Field(description="Of the present phase.")
    trials: int = Field(description="How many candidates have been trained so far, controls included.")
    task: str = Field(
        description="`single`: one label a picture, or `multi`: several; accuracies are then shares of all "
        "labels of all pictures."
    )
    best_accuracy: float | None = Field(
        description="On the validation pictures, 0..1, of the best so far that may win: within the limits, "
        "and trained in full."
    )
    model: int | None = Field(description="Id of the model, as soon as there is one that can be used.")
    budget_minutes: float
    seconds_left: float = Field(description="Of the budget; it stands still while the search is paused.")
    round: int = Field(description="How often the search was continued after its end.")
    seed: int
    strategy: str
    space: str
    trunk: str
    fidelity: str
    saving: str
    objective: str
    random_share: float
    prefilter: bool
    early_stop: bool
    ensemble: bool
    folds: int = Field(description="Of the cross-validation that judges its networks; 1 for none.")
    max_latency_ms: float | None
    max_parameters: int | None
    start_from: int | None = Field(description="Id of the search whose best network was tried first.")
    error: str | None = Field(description="Why it failed and what to do, if it did.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, search: Search) -> SearchOut:
        trained = search.trials.filter(state=Trial.State.FINISHED, accuracy__isnull=False)
        best = contenders(search).order_by(earned().desc(), "number").values_list("accuracy", flat=True)
        model: int | None = Search.objects.filter(pk=search.pk).values_list("model__pk", flat=True).get()
        return cls(
            id=search.pk,
            dataset=search.version.dataset_id,
            version=search.version.number,
            state=search.state,
            phase=search.phase,
            progress=StepOut(**search.progress) if search.progress else None,
            trials=trained.exclude(origin=Trial.Origin.FINISH).count(),
            task="multi" if search.is_multi else "single",
            best_accuracy=best.first(),
            model=model,
            budget_minutes=search.budget_minutes,
            seconds_left=round(seconds_left(search), 1),
            round=search.round,
            seed=search.seed,
            strategy=search.strategy,
            space=search.space,
            trunk=search.trunk,
            fidelity=search.fidelity,
            saving=search.saving,
            objective=search.objective,
            random_share=search.random_share,
            prefilter=search.prefilter,
            early_stop=search.early_stop,
            ensemble=search.ensemble,
            folds=search.folds,
            max_latency_ms=search.max_latency_ms,
            max_parameters=search.max_parameters,
            start_from=search.start_from_id,
            error=search.error or None,
            created_at=search.created_at,
            started_at=search.started_at,
            finished_at=search.finished_at,
        )


class MemberOut(Schema):
    trial: int = Field(description="Number of a trial.")
    weight: float = Field(description="Of its probabilities in the answer, 0..1.")


class TrialOut(Schema):
    number: int
    kind: str = Field(
        description="`network`, a control (`majority`, `linear_probe`, `fine_tune`), `supernet` "
        "(shared weights), `ensemble` (networks that answer together) or `refit` (a winner's training on all "
        "pictures)."
    )
    origin: str = Field(description="Who proposed it: `control`, `strategy`, `random` or `finish`.")
    state: str = Field(description="`queued`, `running`, `finished`, `failed` or `cancelled`.")
    strategy: str = Field(description="The strategy that was asked; empty for controls.")
    rung: int = Field(description="How long it was trained, 0 the shortest; see `fidelity`.")
    killed: bool = Field(description="Whether training was ended early, because it would hardly have won.")
    repeat_of: int | None = Field(description="The trial whose figures it has: it is the same network.")
    accuracy: float | None = Field(description="On the pictures that judged it, 0..1; see `folds`.")
    folds: int = Field(
        description="1: the validation pictures judged it. More: it was trained so often, each time without "
        "a part of the training and validation pictures, which then judged it (cross-validation)."
    )
    standard_error: float | None
    mean_average_precision: float | None = Field(None, description="Where pictures may have several labels.")
    subset_accuracy: float | None = Field(
        None, description="Likewise: share of pictures with every label right."
    )
    parameters: int | None = Field(description="Weights of the whole network.")
    macs: int | None = Field(description="Multiply-adds for one picture.")
    latency_ms: float | None = Field(description="Measured on the training machine, one picture, one thread.")
    size_bytes: int | None
    seconds: float | None = Field(description="Training time.")
    genome: dict[str, Any] | None = Field(description="The architecture; null for controls.")
    genome_hash: str | None
    parent: int | None = Field(description="Number of the trial it was changed from, or fits again.")
    members: list[MemberOut] = Field(description="Of an ensemble, the largest weight first.")
    error: str | None

    @classmethod
    def of(cls, trial: Trial) -> TrialOut:
        return cls(
            number=trial.number,
            kind=trial.kind,
            origin=trial.origin,
            state=trial.state,
            strategy=asked(Origin(trial.origin), trial.search.strategy),
            rung=trial.rung,
            killed=trial.killed,
            repeat_of=trial.repeat_of,
            accuracy=trial.accuracy,
            folds=folds_of(trial),
            standard_error=trial.standard_error,
            mean_average_precision=trial.figures.get("mean_average_precision"),
            subset_accuracy=trial.figures.get("subset_accuracy"),
            parameters=trial.parameters,
            macs=trial.macs,
            latency_ms=trial.latency_ms,
            size_bytes=trial.size_bytes,
            seconds=trial.seconds,
            genome=trial.genome,
            genome_hash=trial.genome_hash or None,
            parent=trial.parent_number,
            members=[MemberOut(trial=number, weight=weight) for number, weight in trial.members],
            error=trial.error or None,
        )
