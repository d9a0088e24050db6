"""The ledger of a search: in the page and over HTTP."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import replace
from pathlib import Path

import pytest
from django.test import Client

from search_engine.config import SearchConfig
from search_engine.ledger import read_ledger, step_as_dict
from search_engine.proposing import space_of
from search_engine.steps import TrainStep
from tests.web.searches.making import PLAN, add_trial, claimed, make_search, running_search
from webapp.accounts.models import User
from webapp.searches import steps
from webapp.searches.ledger import ledger_of
from webapp.searches.models import Search


def tried(owner: User) -> Search:
    search = running_search(owner)
    for number in range(2):
        add_trial(search, accuracy=0.2 + 0.6 * number)
    space = space_of(SearchConfig(budget_seconds=60.0), PLAN)
    vector = space.starts[0]
    add_trial(
        search,
        vector=list(vector),
        genome=space.decode(vector).to_dict(),
        genome_hash=space.key(vector),
        accuracy=0.9,
        epochs=2,
    )
    return search


def test_the_download_replays(alice: User, alice_client: Client, tmp_path: Path) -> None:
    search = tried(alice)
    answer = alice_client.get(f"/searches/{search.pk}/ledger.jsonl")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="search-{search.pk}.jsonl"'
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(answer.content)
    ledger = read_ledger(path)
    assert [entry.strategy for entry in ledger.entries] == ["", "", "auto"]
    step = ledger.next_step()
    assert isinstance(step, TrainStep)
    assert step.number == 3
    assert step.key != ledger.entries[2].hash


@pytest.mark.parametrize(
    ("strategy", "fidelity"),
    [("auto", "full"), ("reinforce", "full"), ("evolution", "halving"), ("tpe", "asha")],
)
def test_replay_says_what_the_site_does_next(
    alice: User, strategy: str, fidelity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rungs, failures, networks under way, and minutes that are added."""
    plan = replace(PLAN, epochs=27, trial_seconds=5.0)
    search = running_search(alice, strategy=strategy, fidelity=fidelity, max_trials=None, budget_minutes=8.0)
    Search.objects.update(plan=plan.to_dict())
    monkeypatch.setattr(steps, "_published", lambda _: Published())
    slot = claimed(search)
    path = tmp_path / "ledger.jsonl"
    for turn in range(14):
        if turn == 9:
            Search.objects.update(budget_minutes=12.0)
        search.refresh_from_db()
        path.write_text("".join(ledger_of(search).lines()))
        foretold = step_as_dict(read_ledger(path).next_step())
        asked = steps.next_step(slot, prepared=True)
        assert isinstance(asked, TrainStep)
        assert foretold | {"seconds": 0} == step_as_dict(asked) | {"seconds": 0}  # a replay knows no clock
        if turn in {4, 11}:
            continue  # under way
        rows = search.trials.filter(number=asked.number)
        if turn % 6 == 5:
            rows.update(state="failed", error="ran out of memory")
        else:
            score = random.Random(asked.key).random() if asked.key else 0.2
            rows.update(state="finished", accuracy=score, seconds=4.0, epochs=asked.epochs)
    assert len(set(search.trials.values_list("rung", flat=True))) == (2 if fidelity == "asha" else 1)


class Published:
    """A model that is always the newest, so that nothing but networks is asked for."""

    number, age, tested = 10_000, 0.0, False


def test_the_table_has_a_row_a_trial(alice: User, alice_client: Client, alice_api: Client) -> None:
    search = tried(alice)
    page = alice_client.get(f"/searches/{search.pk}/ledger.csv")
    api = alice_api.get(f"/api/v1/searches/{search.pk}/ledger?format=csv")
    assert page.content == api.content
    rows = list(csv.DictReader(io.StringIO(page.content.decode())))
    assert [row["number"] for row in rows] == ["0", "1", "2"]
    assert rows[2]["accuracy"] == "0.9"


def test_the_api_gives_json_lines(alice: User, alice_api: Client) -> None:
    answer = alice_api.get(f"/api/v1/searches/{tried(alice).pk}/ledger")
    assert answer["Content-Type"].startswith("application/jsonl")
    assert len(answer.content.splitlines()) == 4


def test_a_stranger_gets_404(alice: User, charlie_client: Client) -> None:
    search = tried(alice)
    for form in ("csv", "jsonl"):
        assert charlie_client.get(f"/searches/{search.pk}/ledger.{form}").status_code == 404


def test_before_the_plan_there_is_a_sentence(alice: User, alice_api: Client) -> None:
    answer = alice_api.get(f"/api/v1/searches/{make_search(alice).pk}/ledger")
    assert answer.status_code == 409
    assert "not tried anything yet" in answer.json()["error"]["message"]
