"""What a search on pictures with several labels writes down and says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from search_engine.evaluate.bootstrap import pack_bits
from search_engine.events import Combined, Trained
from tests.web.searches.making import PLAN, add_trial, claimed, log_of, running_search
from webapp.accounts.models import User
from webapp.searches.ledger import ledger_of
from webapp.searches.models import Search, Trial
from webapp.searches.narration import describe_model
from webapp.searches.recording import Recorder

FIGURES = {"mean_average_precision": 0.92, "subset_accuracy": 0.5}
RIGHT = pack_bits(np.arange(12).reshape(4, 3) < 9)


def search_of(owner: User) -> Search:
    search = running_search(owner)
    search.plan = replace(PLAN, task="multi").to_dict()
    search.save()
    return search


def trained(number: int) -> Trained:
    return Trained(
        number=number,
        accuracy=0.75,
        standard_error=0.1,
        loss=0.4,
        parameters=10,
        macs=10,
        latency_ms=1.0,
        size_bytes=40,
        epochs=2,
        seconds=1.0,
        right=RIGHT,
        figures=FIGURES,
    )


def test_figures_of_a_trial_are_kept_and_told(alice: User) -> None:
    search = search_of(alice)
    slot = claimed(search)
    trial = add_trial(search, state=Trial.State.RUNNING, slot=slot)
    Recorder(slot).trained(trial, trained(trial.number))
    trial.refresh_from_db()
    assert trial.figures == FIGURES
    [said] = [text for text in log_of(search) if "right on" in text]
    assert said.startswith("Always giving the most common labels is right on 75.0% of the labels of")
    entry = ledger_of(search).entries[0]
    assert (entry.figures, entry.accuracy) == (FIGURES, 0.75)


def test_an_ensemble_has_figures_too(alice: User) -> None:
    search = search_of(alice)
    for _ in range(4):
        add_trial(search)
    slot = claimed(search)
    trial = add_trial(search, state=Trial.State.RUNNING, slot=slot, kind=Trial.Kind.ENSEMBLE)
    members = [{"number": 2, "weight": 0.6}, {"number": 3, "weight": 0.4}]
    event = trained(trial.number)
    combined = Combined(
        members=members,
        **{
            name: getattr(event, name)
            for name in Combined.__dataclass_fields__
            if name not in ("members", "name", "registry")
        },
    )
    Recorder(slot).made(trial, combined)
    trial.refresh_from_db()
    assert trial.figures == FIGURES
    assert any("is right on 75.0% of the labels of" in text for text in log_of(search))


def test_the_end_is_told_in_labels(alice: User) -> None:
    trial = add_trial(search_of(alice))
    card = {"test": {"accuracy": 0.9, "n": 40, "opened": 1}}
    assert "is right on 90.0% of the labels of 40 test pictures" in describe_model(trial, card, final=True)
