"""The engine process as the site runs it: a real process, real pictures, the protocol on its pipes."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from search_engine.commands import Combine, Export, Measure, Open, Prepare, Refit, Stop, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.evaluate.bootstrap import unpack_bits
from search_engine.events import (
    CLOSING,
    Combined,
    EpochDone,
    Exported,
    Failed,
    Measured,
    Message,
    Opened,
    Prepared,
    Refitted,
    Stopped,
    Trained,
)
from search_engine.process import EngineDied, EngineProcess
from search_engine.search import trial_seed
from search_engine.space.architecture import Trunk, fine_tuned
from search_engine.space.hybrid import HybridSpace
from tests.engine.shapes import write_shapes

M = TypeVar("M", bound=Message)
PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=96,
    pictures=200,
    epochs=6,
    trial_seconds=5.0,
    prepare_seconds=5.0,
    finish_seconds=5.0,
    rates={"trunk_latency_ms": 10.0},
)
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("worker")
    found = gather(write_shapes(base / "shapes", each=30), base / "pictures", on_file=lambda _: None)
    write_manifest(make_manifest(found, None, base / "pictures", seed=0), base / "manifest.jsonl")
    return base


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[EngineProcess]:
    process = EngineProcess()
    opened = ask(process, open_command(folder, "run"), Opened)
    assert opened.labels == ["circle", "square", "triangle"]
    assert sum(opened.counts.values()) == 90
    ask(process, Prepare(plan=PLAN.to_dict()), Prepared)
    yield process
    process.close()


def open_command(folder: Path, run: str) -> Open:
    return Open(
        manifest=str(folder / "manifest.jsonl"), cache=str(folder / "cache"), run=str(folder / run), seed=0
    )


def ask(engine: EngineProcess, command: Message, expected: type[M], seen: list[Message] | None = None) -> M:
    engine.send(command)
    while True:
        event = engine.events(timeout=60)
        assert event is not None, f"no answer to {command}"
        if seen is not None:
            seen.append(event)
        if isinstance(event, CLOSING):
            assert isinstance(event, expected), event
            return event


def train_command(number: int, kind: str = "network", *, seconds: float = 60.0, epochs: int = 6) -> Train:
    space = HybridSpace(Trunk(PLAN.trunk, PLAN.resolution))
    rng = random.Random(number)
    genome = space.decode(space.sample(rng))
    while genome.repeats == 0:
        genome = space.decode(space.sample(rng))
    return Train(
        number=number,
        kind=kind,
        genome=genome.to_dict() if kind == "network" else None,
        seed=trial_seed(0, number),
        epochs=epochs,
        seconds=seconds,
    )


def refit_command(command: Train, number: int) -> Refit:
    return Refit(
        number=number,
        source=command.number,
        kind=command.kind,
        genome=command.genome,
        seed=command.seed,
        epochs=command.epochs,
        seconds=command.seconds,
    )


def export_command(command: Train, out: Path, *, final: bool, weights: int | None = None) -> Export:
    part = {
        "number": command.number,
        "kind": command.kind,
        "genome": command.genome,
        "latency_ms": 20.0,
        "weights": command.number if weights is None else weights,
        "share": 1.0,
    }
    return Export(number=command.number, parts=[part], final=final, out=str(out), title="Shapes")


def test_it_measures_and_plans(folder: Path, engine: EngineProcess) -> None:
    config = SearchConfig(budget_seconds=120.0, slots=2)
    plan = Plan.from_dict(ask(engine, Measure(config=config.to_dict()), Measured).plan)
    assert plan.pictures == 78  # 90 less the sealed test pictures
    assert plan.rates["decode"] > 0
    assert plan.rates["train"] > 0
    assert plan.rates["trunk_latency_ms"] > 0


def test_a_limit_that_nothing_can_keep_is_told_when_it_measures(engine: EngineProcess) -> None:
    config = SearchConfig(budget_seconds=120.0, max_latency_ms=0.01)
    failed = ask(engine, Measure(config=config.to_dict()), Failed)
    assert failed.kind == "settings"
    assert "the limit is 0.01 ms" in failed.message


def test_controls_and_networks_are_trained_and_told(engine: EngineProcess) -> None:
    majority = ask(engine, train_command(0, "majority"), Trained)
    probe = ask(engine, train_command(1, "linear_probe"), Trained)
    seen: list[Message] = []
    network = ask(engine, train_command(2), Trained, seen)
    assert majority.accuracy == pytest.approx(1 / 3, abs=0.1)
    assert probe.accuracy > 0.7
    right = unpack_bits(probe.right)
    assert right.mean() == pytest.approx(probe.accuracy)
    assert len(right) == len(unpack_bits(network.right))
    assert network.parameters > probe.parameters
    assert network.latency_ms > 10.0  # the trunk's share, and its own
    epochs = [event.epoch for event in seen if isinstance(event, EpochDone)]
    assert epochs == [1, 2, 3, 4, 5, 6]


def test_the_same_trial_gives_the_same_figures(engine: EngineProcess) -> None:
    first = ask(engine, train_command(3), Trained)
    again = ask(engine, train_command(3), Trained)
    assert (first.accuracy, first.loss) == (again.accuracy, again.loss)


def test_a_provisional_bundle_leaves_the_seal_and_the_final_one_breaks_it(
    folder: Path, engine: EngineProcess
) -> None:
    command = train_command(4)
    ask(engine, command, Trained)
    early = ask(engine, export_command(command, folder / "early", final=False), Exported)
    assert early.model["test"] is None
    assert not (folder / "run" / "test-opened-for").exists()
    ask(engine, refit_command(command, 40), Refitted)
    late = ask(engine, export_command(command, folder / "late", final=True, weights=40), Exported)
    assert (early.model["refit_on_validation"], late.model["refit_on_validation"]) == (False, True)
    assert late.model["members"][0]["trial"] == 4
    assert late.model["test"]["n"] == 12
    assert late.model["parity"]["max_abs_diff"] < 1e-3
    assert json.loads((folder / "late" / "model.json").read_text()) == late.model
    other = train_command(5)
    ask(engine, other, Trained)
    refused = ask(engine, export_command(other, folder / "other", final=True), Failed)
    assert "already opened" in refused.message
    assert not (folder / "other").exists()
    next_round = replace(export_command(other, folder / "next", final=True), round=1)
    again = ask(engine, next_round, Exported)
    assert (late.model["test"]["opened"], again.model["test"]["opened"]) == (1, 2)
    assert (late.model["round"], again.model["round"]) == (0, 1)
    assert "have been opened 2 times" in (folder / "next" / "README.md").read_text()
    assert "opened" not in (folder / "late" / "README.md").read_text()


def test_networks_are_selected_to_answer_together(folder: Path, engine: EngineProcess) -> None:
    commands = [train_command(number) for number in (10, 11, 12)]
    trained = [ask(engine, command, Trained) for command in commands]
    rivals = [
        {"number": t.number, "kind": c.kind, "genome": c.genome, "latency_ms": t.latency_ms}
        for c, t in zip(commands, trained, strict=True)
    ]
    rivals.sort(key=lambda rival: -next(t.accuracy for t in trained if t.number == rival["number"]))
    together = ask(engine, Combine(number=13, rivals=rivals, most=3), Combined)
    assert sum(each["weight"] for each in together.members) == pytest.approx(1.0)
    best = max(t.accuracy for t in trained)
    assert together.accuracy >= best - max(t.standard_error for t in trained)
    assert unpack_bits(together.right).mean() == pytest.approx(together.accuracy)
    one = ask(engine, Combine(number=14, rivals=rivals, most=1), Combined)
    assert len(one.members) == 1
    tight = Combine(number=15, rivals=rivals, most=3, max_parameters=max(t.parameters for t in trained))
    small = ask(engine, tight, Combined)
    assert small.parameters <= max(t.parameters for t in trained)
    parts = [rival | {"weights": rival["number"], "share": 1 / 3} for rival in rivals]
    export = Export(number=13, parts=parts, final=False, out=str(folder / "three"), title="Shapes")
    model = ask(engine, export, Exported).model
    assert (model["kind"], len(model["members"])) == ("ensemble", 3)
    assert model["parameters"] < sum(t.parameters for t in trained)
    assert model["parity"]["max_abs_diff"] < 1e-3


def test_a_stopped_trial_says_so_and_the_engine_goes_on(engine: EngineProcess) -> None:
    engine.send(train_command(6, seconds=600.0, epochs=10_000))
    while not isinstance(engine.events(timeout=60), EpochDone):
        pass
    engine.send(Stop())
    event = engine.events(timeout=60)
    while not isinstance(event, CLOSING):
        event = engine.events(timeout=60)
    assert isinstance(event, Stopped)
    assert ask(engine, train_command(7), Trained).number == 7


def test_nonsense_is_answered_and_survived(engine: EngineProcess) -> None:
    assert engine._process.stdin is not None
    engine._process.stdin.write("{}\n")
    engine._process.stdin.flush()
    event = engine.events(timeout=30)
    assert isinstance(event, Failed)
    bad = train_command(8)
    assert bad.genome is not None
    bad.genome["taps"] = ["stage99"]
    assert "stage99" in ask(engine, bad, Failed).message


def test_training_before_preparing_is_refused(folder: Path) -> None:
    process = EngineProcess()
    try:
        ask(process, open_command(folder, "unprepared"), Opened)
        assert "before it had prepared" in ask(process, train_command(0), Failed).message
    finally:
        process.close()


def test_two_engines_share_the_work_of_preparing(folder: Path) -> None:
    engines = [EngineProcess(), EngineProcess()]
    try:
        for process in engines:
            ask(process, open_command(folder, "shared"), Opened)
        plan = Plan.from_dict(PLAN.to_dict() | {"resolution": 128})
        for process in engines:
            process.send(Prepare(plan=plan.to_dict()))
        for process in engines:
            event = process.events(timeout=60)
            while not isinstance(event, CLOSING):
                event = process.events(timeout=60)
            assert isinstance(event, Prepared)
            assert event.pictures == 78
    finally:
        for process in engines:
            process.close()


def test_a_final_fit_that_comes_out_worse_is_not_used(folder: Path) -> None:
    process = EngineProcess()
    try:
        ask(process, open_command(folder, "worse"), Opened)
        ask(process, Prepare(plan=PLAN.to_dict()), Prepared)
        command = train_command(2, epochs=12)
        ask(process, command, Trained)
        refit = refit_command(command, 40)
        assert refit.genome is not None
        refit.genome["recipe"]["learning_rate"] = 0.0  # the second fit learns nothing
        failed = ask(process, refit, Failed)
        assert (failed.kind, failed.number) == ("worse", 40)
        assert "the weights from before are kept" in failed.message
        assert not (folder / "worse" / "trials" / "40.safetensors").exists()
    finally:
        process.close()


def test_a_killed_engine_is_reported_with_its_reason(folder: Path) -> None:
    process = EngineProcess()
    ask(process, open_command(folder, "killed"), Opened)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="ran out of memory"):
        process.events(timeout=30)
    process.close()


def test_it_ends_when_its_input_ends(folder: Path) -> None:
    process = EngineProcess()
    ask(process, open_command(folder, "ended"), Opened)
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert process._process.wait(timeout=20) == 0
    process.close()


def test_logistic_regression_on_every_stage_is_fitted_again_as_it_was_chosen(
    folder: Path, engine: EngineProcess
) -> None:
    space = HybridSpace(Trunk(PLAN.trunk, PLAN.resolution), pooled=True)
    command = replace(train_command(8), genome=space.decode(space.starts[0]).to_dict())
    trained = ask(engine, command, Trained)
    assert trained.accuracy > 0.7
    assert trained.epochs == PLAN.epochs  # it counts as trained in full, and goes into no short rung
    ask(engine, refit_command(command, 41), Refitted)
    export = replace(export_command(command, folder / "logistic", final=True, weights=41), round=2)
    model = ask(engine, export, Exported).model
    assert model["refit_on_validation"]
    assert model["parity"]["max_abs_diff"] < 1e-3
    assert model["validation"]["accuracy"] == pytest.approx(trained.accuracy)


def test_a_network_that_trains_a_part_of_the_trunk_is_fitted_selected_and_exported(folder: Path) -> None:
    """From the cut to the file: in an ensemble with a network on the frozen trunk, and after a last fit."""
    plan = replace(PLAN, pooled=True, unfreeze=2, tune_epochs=2)
    space = HybridSpace(Trunk(plan.trunk, plan.resolution), pooled=True, unfreeze=2)
    genomes = [space.decode(start) for start in space.starts]
    logistic, [tuned] = genomes[0], [genome for genome in genomes if genome.unfrozen]
    process = EngineProcess()
    try:
        ask(process, open_command(folder, "tuned"), Opened)
        ask(process, Prepare(plan=plan.to_dict()), Prepared)
        commands = [
            replace(train_command(0), genome=logistic.to_dict()),
            replace(train_command(1), genome=tuned.to_dict(), epochs=2),
        ]
        trained = [ask(process, command, Trained) for command in commands]
        assert trained[1].accuracy > 0.7
        assert trained[1].epochs == 2
        assert trained[1].parameters > trained[0].parameters  # its hidden layer; the trunk counts once
        ask(process, refit_command(commands[1], 9), Refitted)
        by_hand = fine_tuned(Trunk(plan.trunk, plan.resolution), 1).to_dict()
        control = replace(commands[1], number=2, kind="fine_tune", genome=by_hand)
        assert ask(process, control, Trained).accuracy > 0.5
        parts = [
            {
                "number": n,
                "kind": "network",
                "genome": c.genome,
                "latency_ms": 9.0,
                "weights": w,
                "share": 0.5,
            }
            for n, w, c in zip((0, 1), (0, 9), commands, strict=True)
        ]
        export = Export(number=1, parts=parts, final=False, out=str(folder / "tuned-out"), title="Shapes")
        model = ask(process, export, Exported).model
        assert model["parity"]["max_abs_diff"] < 1e-3
        assert model["parameters"] > trained[1].parameters + 2_000_000  # two of the last stages
    finally:
        process.close()


def test_a_cross_validation_judges_a_network_by_all_pictures_but_the_sealed_ones(
    engine: EngineProcess, folder: Path
) -> None:
    ask(engine, Prepare(plan=replace(PLAN, folds=3).to_dict()), Prepared)
    lines = []
    seen: list[Message] = []
    for number, kind in ((70, "linear_probe"), (71, "network")):
        command = replace(train_command(number, kind, epochs=2), folds=3)
        done = ask(engine, command, Trained, seen)
        assert done.folds == 3
        assert len(unpack_bits(done.right)) == 78
        assert done.accuracy == pytest.approx(unpack_bits(done.right).mean())
        lines.append({"number": number, "kind": kind, "genome": command.genome, "latency_ms": 1.0})
    assert [e.epoch for e in seen if isinstance(e, EpochDone)] == [1, 2]  # of the first fold
    combined = ask(engine, Combine(number=72, rivals=lines, most=2), Combined)
    assert len(unpack_bits(combined.right)) == 78
    part = lines[0] | {"weights": 70, "share": 1.0}
    out = str(folder / "crossed")
    made = ask(engine, Export(number=70, parts=[part], final=False, out=out, title="Shapes"), Exported)
    assert (made.model["validation"]["n"], made.model["validation"]["folds"]) == (78, 3)
    ask(engine, Prepare(plan=PLAN.to_dict()), Prepared)


def test_a_network_that_the_first_fold_leaves_without_a_chance_is_trained_no_further(
    engine: EngineProcess,
) -> None:
    ask(engine, Prepare(plan=replace(PLAN, folds=3).to_dict()), Prepared)
    command = replace(train_command(73, epochs=1), folds=3, incumbent=1.0, curves=[[0.5]])
    done = ask(engine, command, Trained)
    assert done.killed
    assert len(unpack_bits(done.right)) < 78
    ask(engine, Prepare(plan=PLAN.to_dict()), Prepared)
