"""Searches over HTTP: start one, watch it, stop it, read its leaderboard."""

from __future__ import annotations

from typing import Literal

from django.http import HttpResponse
from ninja import Router, Status

from webapp.api.schemas import ErrorOut
from webapp.api.search_schemas import MinutesIn, SearchIn, SearchOut, TrialOut
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.datasets.models import Dataset
from webapp.searches import services
from webapp.searches.choices import SearchChoices
from webapp.searches.extending import extend_search
from webapp.searches.ledger import ledger_of
from webapp.searches.models import Search
from webapp.searches.pausing import pause_search, resume_search
from webapp.searches.replay import earned

router = Router()


@router.get("", response=list[SearchOut], summary="List your searches")
def list_searches(request: AuthenticatedRequest) -> list[SearchOut]:
    """The newest first."""
    return [SearchOut.of(search) for search in owned(Search, request.user).select_related("version")]


@router.post(
    "",
    response={201: SearchOut, 400: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Search for a network",
)
def start_search(request: AuthenticatedRequest, data: SearchIn) -> Status[SearchOut]:
    """Trains on the latest version of a data set. Ask for the search every few seconds to watch it.

    `model` is set as soon as there is a first usable model, long before the end; it keeps its id while the
    search improves it.
    """
    dataset = get_owned(Dataset, request.user, pk=data.dataset)
    start = None if data.start_from is None else get_owned(Search, request.user, pk=data.start_from)
    search = services.start_search(
        owner=request.user,
        version=dataset.latest,
        budget_minutes=data.budget_minutes,
        seed=data.seed,
        choices=SearchChoices(
            strategy=data.strategy,
            space=data.space,
            trunk=data.trunk,
            fidelity=data.fidelity,
            saving=data.saving,
            objective=data.objective,
            random_share=data.random_share,
            prefilter=data.prefilter,
            early_stop=data.early_stop,
            ensemble=data.ensemble,
            max_latency_ms=data.max_latency_ms,
            max_parameters=data.max_parameters,
            start_from=start,
        ),
    )
    return Status(201, SearchOut.of(search))


@router.get("/{int:search_id}", response={200: SearchOut, 404: ErrorOut}, summary="Look at a search")
def get_search(request: AuthenticatedRequest, search_id: int) -> SearchOut:
    return SearchOut.of(get_owned(Search, request.user, pk=search_id))


@router.post("/{int:search_id}/cancel", response={200: SearchOut, 404: ErrorOut}, summary="Stop a search")
def cancel_search(request: AuthenticatedRequest, search_id: int) -> SearchOut:
    """Keeps the best network so far: it is finished and tested, then `state` becomes `cancelled`."""
    search = get_owned(Search, request.user, pk=search_id)
    services.stop_search(search)
    return SearchOut.of(search)


@router.post(
    "/{int:search_id}/pause",
    response={200: SearchOut, 404: ErrorOut, 409: ErrorOut},
    summary="Pause a search",
)
def pause(request: AuthenticatedRequest, search_id: int) -> SearchOut:
    """Halts it and its clock. A network that was being trained is trained anew after the pause.

    Its model can be used meanwhile. Refused while the best network is being finished.
    """
    search = get_owned(Search, request.user, pk=search_id)
    pause_search(search)
    return SearchOut.of(search)


@router.post(
    "/{int:search_id}/resume",
    response={200: SearchOut, 404: ErrorOut, 409: ErrorOut},
    summary="Go on with a paused search",
)
def resume(request: AuthenticatedRequest, search_id: int) -> SearchOut:
    """It goes on where it was, with the time that was left."""
    search = get_owned(Search, request.user, pk=search_id)
    resume_search(search)
    return SearchOut.of(search)


@router.post(
    "/{int:search_id}/extend",
    response={200: SearchOut, 400: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Add minutes to a search",
)
def extend(request: AuthenticatedRequest, search_id: int, data: MinutesIn) -> SearchOut:
    """Also to one that is finished or was cancelled: it goes on where it ended, in its next `round`.

    If that finds a better network, the test pictures are opened once more, and the model's `test.opened`
    says how often that has happened.
    """
    search = get_owned(Search, request.user, pk=search_id)
    extend_search(search, data.minutes)
    return SearchOut.of(search)


@router.get(
    "/{int:search_id}/trials", response={200: list[TrialOut], 404: ErrorOut}, summary="List the candidates"
)
def list_trials(request: AuthenticatedRequest, search_id: int) -> list[TrialOut]:
    """Every candidate, the best first; those without an accuracy come last."""
    search = get_owned(Search, request.user, pk=search_id)
    ranking = search.trials.select_related("search").order_by(earned().desc(nulls_last=True), "number")
    return [TrialOut.of(trial) for trial in ranking]


@router.get(
    "/{int:search_id}/ledger",
    response={200: None, 404: ErrorOut, 409: ErrorOut},
    summary="Download everything that was tried",
)
def get_ledger(
    request: AuthenticatedRequest, search_id: int, format: Literal["jsonl", "csv"] = "jsonl"
) -> HttpResponse:
    """JSON lines (the search, then a line a trial; `python -m search_engine replay` reads them) or CSV."""
    ledger = ledger_of(get_owned(Search, request.user, pk=search_id))
    if format == "csv":
        return HttpResponse(ledger.csv(), content_type="text/csv; charset=utf-8")
    return HttpResponse("".join(ledger.lines()), content_type="application/jsonl; charset=utf-8")
