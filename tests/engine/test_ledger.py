from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.errors import DatasetError
from search_engine.ledger import Entry, Ledger, asked, read_ledger, write_ledger
from search_engine.proposing import space_of
from search_engine.space.architecture import Genome
from search_engine.steps import TrainStep
from search_engine.trial import Origin

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=128,
    pictures=500,
    epochs=10,
    trial_seconds=5.0,
    prepare_seconds=10.0,
    finish_seconds=5.0,
)


def control(number: int, kind: str, accuracy: float) -> Entry:
    return Entry(
        number=number, kind=kind, origin="control", state="finished", accuracy=accuracy, seconds=1.0, seed=1
    )


def grow(networks: int) -> Ledger:
    """A ledger that asks itself what comes next, as a search does."""
    ledger = Ledger(
        config=SearchConfig(budget_seconds=3600.0, seed=4),
        plan=PLAN,
        split="abc",
        entries=(control(0, "majority", 0.3), control(1, "linear_probe", 0.8)),
    )
    for index in range(networks):
        step = ledger.next_step()
        assert isinstance(step, TrainStep)
        assert step.genome is not None
        entry = Entry(
            number=step.number,
            kind=step.kind.value,
            origin=step.origin.value,
            state="failed" if index % 5 == 3 else "finished",
            strategy=asked(step.origin, "evolution"),
            vector=step.vector,
            genome=step.genome.to_dict(),
            hash=step.key,
            parent=step.parent,
            seed=step.seed,
            accuracy=None if index % 5 == 3 else 0.8 + (hash(step.vector) % 100) / 1000,
            seconds=4.0,
            error="ran out of memory" if index % 5 == 3 else "",
        )
        ledger = replace(ledger, entries=(*ledger.entries, entry))
    return ledger


def test_a_ledger_read_back_says_the_same_next(tmp_path: Path) -> None:
    ledger = grow(12)
    write_ledger(ledger, tmp_path / "ledger.jsonl")
    again = read_ledger(tmp_path / "ledger.jsonl")
    assert list(again.lines()) == list(ledger.lines())
    assert again.next_step() == ledger.next_step()


def test_a_reason_with_a_line_separator_in_it_is_read_back(tmp_path: Path) -> None:
    ledger = grow(1)
    odd = replace(ledger, entries=(*ledger.entries[:-1], replace(ledger.entries[-1], error="one\u2028two")))
    write_ledger(odd, tmp_path / "ledger.jsonl")
    assert read_ledger(tmp_path / "ledger.jsonl").entries[-1].error == "one\u2028two"


def test_every_line_is_json_and_the_first_is_the_search() -> None:
    lines = [json.loads(line) for line in grow(3).lines()]
    assert lines[0]["config"]["seed"] == 4
    assert lines[0]["split"] == "abc"
    assert [line["number"] for line in lines[1:]] == [0, 1, 2, 3, 4]


def test_the_genome_of_a_line_is_the_genome_of_its_vector() -> None:
    ledger = grow(4)
    space = space_of(SearchConfig(budget_seconds=60.0), PLAN)
    for entry in ledger.entries[2:]:
        assert space.key(entry.vector) == entry.hash
        assert space.decode(entry.vector) == Genome.from_dict(json.loads(json.dumps(entry.genome)))


def test_the_table_has_a_row_a_trial_and_runs_nothing() -> None:
    ledger = grow(2)
    evil = replace(ledger.entries[0], error="=cmd|' /C calc'!A0")
    rows = list(csv.DictReader(io.StringIO(replace(ledger, entries=(evil, *ledger.entries[1:])).csv())))
    assert len(rows) == 4
    assert rows[0]["error"].startswith("'=")
    assert rows[1]["accuracy"] == "0.8"


@pytest.mark.parametrize(
    "text", ["", "{}\n", "nonsense\n", '{"config": {"budget_seconds": 1}, "plan": {}}\n']
)
def test_what_is_no_ledger_gets_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError, match="Line 1 of"):
        read_ledger(path)


def test_random_trials_came_from_random_search() -> None:
    assert asked(Origin.RANDOM, "evolution") == "random"
    assert asked(Origin.CONTROL, "evolution") == ""
