"""The ledger: everything a search tried, as JSON lines or CSV, from which its state can be rebuilt.

The first line is the search (settings, plan, split), every further line a trial. ``replay`` reads a ledger
back and says what would be tried next: the same that the search itself said.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from search_engine.config import Plan, SearchConfig
from search_engine.errors import DatasetError
from search_engine.events import Combined, SupernetDone
from search_engine.finishing import best_model
from search_engine.objective import fits, reward_of
from search_engine.proposing import space_of
from search_engine.search import decide
from search_engine.steps import Clock, Step
from search_engine.trial import Kind, Origin, Trial, TrialState, Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trial, as it is written down.

    Attributes:
        number: position in the search, from 0.
        kind, origin, state: values of ``search_engine.trial``.
        strategy: name of the strategy that was asked; empty for controls.
        vector, genome, hash: the candidate; empty or None where there is none.
        parent: number of the trial it was mutated from.
        seed: of its weights and batches.
        rung: its fidelity, an index into ``proposing.rungs``; ``epochs``: passes over the training pictures.
        killed: whether training was ended early; ``drawn``: of how many proposals it was picked.
        repeat_of: number of the trial whose figures it has, because they are of the same network; or None.
        found: by a supernet: vectors with their accuracies.
        members: of an ensemble: numbers of trials with their weights.
        seconds: wall clock, evaluation included.
        folds: of its cross-validation; 1: the validation split judged it.
        accuracy, standard_error, loss: on the pictures that judged it; None until finished.
        parameters, macs, latency_ms, size_bytes: of the whole network.
        figures: more of the pictures that judged it, where they may have several labels; accuracy is then the
            share of their labels that were decided rightly.
        error: why it failed, in words; empty otherwise.
    """

    number: int
    kind: str
    origin: str
    state: str
    strategy: str = ""
    vector: tuple[int, ...] = ()
    genome: dict[str, Any] | None = None
    hash: str = ""
    parent: int | None = None
    seed: int = 0
    rung: int = 0
    drawn: int = 1
    killed: bool = False
    repeat_of: int | None = None
    found: tuple[tuple[tuple[int, ...], float], ...] = ()
    members: tuple[tuple[int, float], ...] = ()
    epochs: int | None = None
    seconds: float | None = None
    folds: int = 1
    accuracy: float | None = None
    standard_error: float | None = None
    loss: float | None = None
    parameters: int | None = None
    macs: int | None = None
    latency_ms: float | None = None
    size_bytes: int | None = None
    error: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        found = tuple((tuple(vector), score) for vector, score in data.get("found", ()))
        members = tuple((number, weight) for number, weight in data.get("members", ()))
        return cls(**data | {"vector": tuple(data["vector"]), "found": found, "members": members})

    def trial(self, config: SearchConfig) -> Trial:
        """What a strategy sees of it."""
        return Trial(
            number=self.number,
            kind=Kind(self.kind),
            origin=Origin(self.origin),
            state=TrialState(self.state),
            vector=self.vector,
            key=self.hash,
            parent=self.parent,
            reward=reward_of(config, self.accuracy, self.latency_ms),
            seconds=self.seconds,
            rung=self.rung,
            epochs=self.epochs,
            fits=fits(config, self.parameters, self.latency_ms),
            killed=self.killed,
            drawn=self.drawn,
            found=self.found,
            members=self.members,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A search and its trials.

    Attributes:
        config: what the user asked for.
        plan: what the engine measured and planned.
        split: digest of the manifest: which pictures were trained, validated and tested on.
        entries: the trials, by number.
    """

    config: SearchConfig
    plan: Plan
    split: str
    entries: tuple[Entry, ...]

    def lines(self) -> Iterator[str]:
        """JSON lines, each with its line end."""
        head = {"config": self.config.to_dict(), "plan": self.plan.to_dict(), "split": self.split}
        for row in (head, *(_row(entry) for entry in self.entries)):
            yield json.dumps(row, ensure_ascii=False) + "\n"

    def csv(self) -> str:
        """A table of the trials; vectors and genomes as JSON, text that a spreadsheet would run disarmed."""
        out = io.StringIO()
        more = sorted({name for entry in self.entries for name in entry.figures})
        fields = [name for name in Entry.__dataclass_fields__ if name != "figures"]
        writer = csv.DictWriter(out, fieldnames=[*fields, *more])
        writer.writeheader()
        for entry in self.entries:
            row = {name: value for name, value in asdict(entry).items() if name != "figures"} | {
                **entry.figures,
                "vector": json.dumps(entry.vector),
                "found": json.dumps(entry.found) if entry.found else "",
                "members": json.dumps(entry.members) if entry.members else "",
                "genome": json.dumps(entry.genome) if entry.genome else "",
            }
            writer.writerow({name: _disarmed(value) for name, value in row.items()})
        return out.getvalue()

    def next_step(self) -> Step:
        """What the search would do next, were there time for another network."""
        trials = [entry.trial(self.config) for entry in self.entries]
        best = best_model(self.config, self.plan, trials)
        clock = Clock(elapsed=0.0, exported=best.number if best else None, since_export=0.0)
        return decide(self.config, self.plan, trials, clock, space_of(self.config, self.plan))


def _row(entry: Entry) -> dict[str, Any]:
    """A line; without figures where there are none, as from before there were such."""
    row = asdict(entry)
    return row if entry.figures else {name: value for name, value in row.items() if name != "figures"}


def read_ledger(path: Path) -> Ledger:
    """The ledger in a file of JSON lines.

    Raises:
        DatasetError: the file is not a ledger; the text names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"The ledger {path} cannot be read: {error}.") from error
    number = 1
    try:
        head = json.loads(lines[0])
        config, plan = SearchConfig.from_dict(head["config"]), Plan.from_dict(head["plan"])
        entries = []
        for line in lines[1:]:
            number += 1
            entries.append(Entry.from_dict(json.loads(line)))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"Line {number} of {path} is not a line of a ledger: {error!r}.") from error
    return Ledger(config=config, plan=plan, split=head.get("split", ""), entries=tuple(entries))


def write_ledger(ledger: Ledger, path: Path) -> None:
    """Write the ledger as JSON lines."""
    path.write_text("".join(ledger.lines()), encoding="utf-8")


def _disarmed(value: object) -> object:
    """Text that begins like a formula gets an apostrophe in front, as spreadsheets want it."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


def asked(origin: Origin, strategy: str) -> str:
    """The strategy that a trial of some origin came from; controls and the like come from none."""
    return {Origin.RANDOM: "random", Origin.STRATEGY: strategy}.get(origin, "")


def found_by(event: SupernetDone) -> tuple[tuple[Vector, float], ...]:
    """What a supernet found, as a trial has it."""
    return tuple((tuple(each["vector"]), float(each["accuracy"])) for each in event.found)


def members_of(event: Combined) -> tuple[tuple[int, float], ...]:
    """What an ensemble is made of, as a trial has it."""
    return tuple((int(each["number"]), float(each["weight"])) for each in event.members)


def step_as_dict(step: Step) -> dict[str, Any]:
    """A step as JSON, for the command line."""
    return {"step": type(step).__name__, **asdict(step)}
