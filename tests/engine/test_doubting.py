"""Doubting labels on drawn shapes, as an engine process does it, within that process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.measure_suspects import flipped, recall_in_top
from search_engine.commands import Doubt, Open, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.errors import Cancelled, SettingsError
from search_engine.events import Doubted, Message
from search_engine.export.bundle import TEST_ANSWERS
from search_engine.fitting import Fitter
from search_engine.orders import Record, doubt_for
from search_engine.reserve import doubt_reserve
from search_engine.session import Session
from search_engine.steps import ExportStep, Part
from search_engine.suspects import Opinion, read_opinions, write_suspects
from tests.engine.shapes import write_shapes

PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=96,
    pictures=200,
    epochs=1,
    trial_seconds=5.0,
    prepare_seconds=5.0,
    finish_seconds=5.0,
    rates={"trunk_latency_ms": 10.0},
    pooled=True,
)
pytestmark = pytest.mark.timeout(180)


@dataclass
class Heard:
    """Keeps what is told."""

    events: list[Message] = field(default_factory=list)

    def emit(self, event: Message) -> None:
        self.events.append(event)


@dataclass
class Flipped:
    """Shapes of which some have a wrong label."""

    folder: Path
    wrong: set[int]
    stop: bool = False

    def session(self, plan: Plan) -> Session:
        """With a linear probe as trial 1, trained in so many folds as planned."""
        run = self.folder / f"run-{plan.folds}"
        command = Open(
            manifest=str(self.folder / "manifest.jsonl"),
            cache=str(self.folder / "cache"),
            run=str(run),
            seed=0,
            device="cpu",
        )
        session = Session(command, Heard(), lambda: self.stop)
        session.prepare(plan)
        session.train(
            Train(
                number=1,
                kind="linear_probe",
                genome=None,
                seed=0,
                epochs=1,
                seconds=60.0,
                folds=plan.folds,
            )
        )
        return session

    def doubt(self, session: Session, *, seconds: float = 60.0) -> tuple[Doubted, list[Opinion]]:
        out = self.folder / "opinions.jsonl"
        part: dict[str, Any] = {"number": 1, "kind": "linear_probe", "genome": None, "share": 1.0}
        answer = session.doubt(Doubt(parts=[part], seconds=seconds, out=str(out)))
        return answer, list(read_opinions(out))

    def recall(self, opinions: list[Opinion]) -> float:
        is_flip = [each.id in self.wrong for each in opinions]
        return recall_in_top(np.array([each.suspicion for each in opinions]), is_flip)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Flipped:
    base = tmp_path_factory.mktemp("doubting")
    found = gather(write_shapes(base / "shapes", each=60), base / "pictures", on_file=lambda _: None)
    manifest = make_manifest(found, None, base / "pictures", seed=0)
    pictures, wrong = flipped(manifest.pictures, manifest.labels, 0.05, seed=0)
    write_manifest(replace(manifest, pictures=pictures), base / "manifest.jsonl")
    return Flipped(base, wrong)


@pytest.mark.parametrize("folds", [1, 5])
def test_most_wrong_labels_are_in_the_top_tenth(shapes: Flipped, folds: int) -> None:
    session = shapes.session(replace(PLAN, folds=folds))
    answer, opinions = shapes.doubt(session)
    assert answer.pictures == len(opinions) == len({each.id for each in opinions})
    assert {each.split for each in opinions} == {"train", "validation"}  # the test is sealed
    known = {each.id for each in opinions}
    assert shapes.recall(opinions) >= 0.7
    assert len(shapes.wrong & known) > 3
    assert answer.suspected == sum(each.suspected for each in opinions)
    assert [each.suspected for each in opinions[: answer.suspected]] == [True] * answer.suspected
    assert all(each.likeliest != each.label for each in opinions if each.suspected)
    given = {picture.id: picture.label for picture in session.manifest.pictures}
    assert all(each.label == given[each.id] for each in opinions)


def test_a_search_from_scratch_doubts_by_the_embedding_that_its_control_reads(shapes: Flipped) -> None:
    plan = replace(PLAN, space="macro", resolution=32, control_resolution=96, pooled=False, folds=1)
    _, opinions = shapes.doubt(shapes.session(plan))
    assert {each.split for each in opinions} == {"train", "validation"}
    assert shapes.recall(opinions) >= 0.7


def test_test_pictures_have_the_answers_from_when_the_test_was_opened(shapes: Flipped) -> None:
    session = shapes.session(replace(PLAN, folds=5))
    test = session.manifest.of("test")
    answers = np.full((len(test), 3), 0.01, np.float32)
    answers[:, 2] = 0.98
    np.save(session.run / TEST_ANSWERS, answers)
    try:
        _, opinions = shapes.doubt(session)
    finally:
        (session.run / TEST_ANSWERS).unlink()
    tested = [each for each in opinions if each.split == "test"]
    assert {each.id for each in tested} == {picture.id for picture in test}
    assert {each.likeliest for each in tested} == {"triangle"}
    assert all(
        each.own == pytest.approx(0.98 if each.label == "triangle" else 0.01, abs=1e-5) for each in tested
    )


def test_without_time_it_still_says_something_of_every_picture(shapes: Flipped) -> None:
    session = shapes.session(replace(PLAN, folds=1))
    _, opinions = shapes.doubt(session, seconds=0.0)
    working = [picture for picture in session.manifest.pictures if picture.split != "test"]
    assert len(opinions) == len(working)


def test_pictures_of_several_labels_are_left_alone(shapes: Flipped, monkeypatch: pytest.MonkeyPatch) -> None:
    session = shapes.session(replace(PLAN, folds=1))
    monkeypatch.setattr(Fitter, "targets", np.zeros((27, 3)))
    with pytest.raises(SettingsError, match="several labels"):
        shapes.doubt(session)


def test_it_stops_when_told(shapes: Flipped) -> None:
    session = shapes.session(replace(PLAN, folds=1))
    shapes.stop = True
    try:
        with pytest.raises(Cancelled):
            shapes.doubt(session)
    finally:
        shapes.stop = False


def test_time_for_it_is_kept_back_only_where_it_takes_trainings(tmp_path: Path) -> None:
    config = SearchConfig(budget_seconds=120.0)
    assert doubt_reserve(config, folds=5) == 0.0
    assert 0.0 < doubt_reserve(config, folds=1) <= 0.02 * 120.0
    step = ExportStep(number=3, final=True, parts=(Part(3, 7),))

    def seconds(left: float) -> float:
        return doubt_for(
            step, config, 1, record=lambda _: Record("network", {}), left=left, out=tmp_path / "o"
        ).seconds

    assert seconds(0.0) == doubt_reserve(config, folds=1)
    assert seconds(-5.0) < doubt_reserve(config, folds=1)
    assert seconds(20.0) < 20.0
    assert seconds(5000.0) <= 60.0


def test_the_table_names_files_as_they_were_given(tmp_path: Path) -> None:
    line = {
        "id": 4, "split": "train", "label": "a", "likeliest": "b", "probability": 0.9, "own": 0.05,
        "suspicion": 0.95, "suspected": True,
    }  # fmt: skip
    (tmp_path / "opinions").write_text(json.dumps(line) + "\n")
    write_suspects(tmp_path / "opinions", {4: "a/äh, 1.png"}, tmp_path / "out.csv")
    head, row = (tmp_path / "out.csv").read_text().splitlines()
    assert head == "file,label,likeliest,probability,own,suspicion,suspected,split"
    assert row == '"a/äh, 1.png",a,b,0.9,0.05,0.95,yes,train'


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "opinions").write_text('{"id": 1}\n')
    with pytest.raises(ValueError, match="Line 1 of opinions is damaged"):
        list(read_opinions(tmp_path / "opinions"))
