"""A look at the labels, once a search has its model: what the engine says becomes opinions on the pictures.

The search is over by then and its claim is gone. Whatever goes wrong here costs nobody the model; it is a
line of the log.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from django.db import DatabaseError

from search_engine.events import CLOSING, Doubted, Failed, Message
from search_engine.orders import RecordOf, doubt_for
from search_engine.process import EngineDied, EngineProcess
from search_engine.steps import ExportStep
from search_engine.suspects import read_opinions
from webapp.datasets.opinions import record_opinions
from webapp.searches import files
from webapp.searches.models import LogLine, Search
from webapp.searches.narration import note
from webapp.searches.replay import elapsed, search_config, search_plan

log = logging.getLogger(__name__)

OPINIONS = "opinions.jsonl"
GRACE_SECONDS = 60.0  # beyond its limit; pictures may have to be read from a slow disk first


def doubt_labels(search: Search, step: ExportStep, engine: EngineProcess, record: RecordOf) -> None:
    """Have the engine rank the labels of a finished search, and write down what comes of it.

    Args:
        search: finished.
        step: its final export.
        engine: has the pictures; it is ended if it does not answer in time.
        record: of the search's trials.
    """
    if not (found := Search.objects.filter(pk=search.pk).first()):
        return  # it was deleted as soon as it was over
    search = found
    config = search_config(search)
    # Nobody waits for this, so a late search has its reserve; who stopped one wants no more than that.
    left = 0.0 if search.stop_requested else max(0.0, config.budget_seconds - elapsed(search))
    out = files.run_folder(search.pk) / OPINIONS
    command = doubt_for(step, config, search_plan(search).folds, record=record, left=left, out=out)
    level = LogLine.Level.WARNING
    try:
        answer = _ask(engine, command, command.seconds + GRACE_SECONDS)
        if isinstance(answer, Doubted):
            _record(search, answer)
            return
        reason = answer.message if isinstance(answer, Failed) else "It was stopped."
        if isinstance(answer, Failed) and answer.kind == "settings":  # of such pictures nobody can say
            level = LogLine.Level.INFO
    except EngineDied as death:
        reason = f"The process {death.reason}."
    except (OSError, ValueError, DatabaseError) as error:
        log.exception("opinions of search %s", search.pk)
        reason = str(error)
    if Search.objects.filter(pk=search.pk).exists():
        note(search, f"The labels were not looked at. {reason}", level)


def _ask(engine: EngineProcess, command: Message, limit: float) -> Message:
    engine.send(command)
    until = time.monotonic() + limit
    while (left := until - time.monotonic()) > 0:
        event = engine.events(left)
        if isinstance(event, CLOSING):
            return event
    engine.kill()
    raise EngineDied("did not answer any more and was ended", kind="crashed")


def _record(search: Search, event: Doubted) -> None:
    suspected = record_opinions(search.version, search.pk, read_opinions(Path(event.out)))
    note(search, describe(suspected, event.pictures))


def describe(suspected: int, pictures: int) -> str:
    """What the log says of the labels."""
    if not suspected:
        return f"Looked at the labels of {pictures:,} pictures: none looks wrong."
    look = "look" if suspected > 1 else "looks"
    return f"Looked at the labels of {pictures:,} pictures: {suspected:,} {look} wrong. See the model's page."
