"""Searches to start from, and slots that are run by a fake engine."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from search_engine.config import Plan
from search_engine.events import Message, from_line
from search_engine.process import EngineProcess
from search_engine.space.architecture import Trunk
from search_engine.space.registry import make_space
from tests.web.factories import make_version
from webapp.accounts.models import User
from webapp.datasets.models import DatasetVersion
from webapp.searches import files
from webapp.searches.claims import claim_slot
from webapp.searches.models import Search, Slot, Trial
from webapp.searches.slot import SlotRunner

Enqueued = list[tuple[str, tuple[int, ...]]]
"""What the fixture ``enqueued`` holds: names of tasks with their arguments."""
FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")
PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=16,
    epochs=2,
    trial_seconds=1.0,
    prepare_seconds=1.0,
    finish_seconds=1.0,
)
SPACE = make_space("hybrid", Trunk(PLAN.trunk, PLAN.resolution))
GENOME: dict[str, Any] = json.loads(json.dumps(SPACE.decode(SPACE.starts[0]).to_dict()))
"""A network on the pretrained trunk, as rows hold it."""


def make_search(
    owner: User,
    *,
    version: DatasetVersion | None = None,
    slots: int = 1,
    budget_minutes: float = 2.0,
    max_trials: int | None = 3,
    **values: Any,
) -> Search:
    """A search that waits for its first slot, as rows only."""
    search = Search.objects.create(
        owner=owner,
        version=version or make_version(owner),
        budget_minutes=budget_minutes,
        slot_count=slots,
        max_trials=max_trials,
        **values,
    )
    for index in range(slots):
        Slot.objects.create(search=search, index=index, enqueued_at=timezone.now())
    return search


def running_search(owner: User, *, elapsed: float = 1.0, **values: Any) -> Search:
    """A search that was measured and is trying networks."""
    return make_search(
        owner,
        state=Search.State.RUNNING,
        phase=Search.Phase.SEARCH,
        plan=PLAN.to_dict(),
        started_at=timezone.now() - timedelta(seconds=elapsed),
        **values,
    )


def claimed(search: Search, index: int = 0) -> Slot:
    """A slot of the search, claimed by whoever calls."""
    slot = claim_slot(search.slots.get(index=index).pk)
    assert slot
    return slot


def add_trial(search: Search, **values: Any) -> Trial:
    """The next trial of a search; controls first, then networks."""
    number = search.trials.count()
    kind = (Trial.Kind.MAJORITY, Trial.Kind.LINEAR_PROBE)[number] if number < 2 else Trial.Kind.NETWORK
    origin = Trial.Origin.CONTROL if number < 2 else Trial.Origin.STRATEGY
    defaults = {"kind": kind, "origin": origin, "seed": number, "state": Trial.State.FINISHED}
    if values.get("state", Trial.State.FINISHED) == Trial.State.FINISHED:
        defaults |= {"accuracy": 0.5 + number / 100, "seconds": 1.0}
    return Trial.objects.create(search=search, number=number, **{**defaults, **values})


def run_slot(slot: Slot, **scenario: Any) -> None:
    """Run a claimed slot to its end with an engine that behaves as written in ``fake_engine``."""
    command = [sys.executable, "-m", "tests.web.searches.fake_engine", json.dumps(scenario)]
    SlotRunner(slot, new_engine=lambda: EngineProcess(command)).run()


def commands_of(search: Search) -> list[Message]:
    """What the search's engines were told, in order."""
    lines = (files.run_folder(search.pk) / "commands").read_text().splitlines()
    return [from_line(line) for line in lines]


def log_of(search: Search) -> list[str]:
    return list(search.log_lines.values_list("text", flat=True))
