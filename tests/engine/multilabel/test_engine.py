"""The engine on pictures with several labels, from measuring to a bundle that answers: a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from search_engine.commands import Combine, Export, Measure, Open, Prepare, Refit, Supernet, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.decode import to_pixels
from search_engine.data.gather import make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.evaluate.bootstrap import unpack_bits
from search_engine.events import (
    CLOSING,
    Combined,
    Exported,
    Failed,
    Measured,
    Message,
    Opened,
    Prepared,
    Refitted,
    SupernetDone,
    Trained,
)
from search_engine.export.predict import load
from search_engine.process import EngineProcess
from search_engine.runner import LocalSearch
from search_engine.space.architecture import Genome, Trunk, fine_tuned
from search_engine.space.hybrid import HybridSpace
from search_engine.space.macro import MacroSpace
from tests.engine.multilabel.drawing import CIRCLE, DARK, NOISY, gathered

M = TypeVar("M", bound=Message)
PLAN = Plan(
    trunk="efficientnet_lite0",
    resolution=96,
    pictures=200,
    epochs=12,
    trial_seconds=5.0,
    prepare_seconds=5.0,
    finish_seconds=5.0,
    rates={"trunk_latency_ms": 10.0},
    space="any",
    pooled=True,
    unfreeze=1,
    scratch_resolution=32,
    scratch_epochs=2,
    classes=3,
    task="multi",
)
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("several")
    found = gathered(base / "pictures", each=36)
    write_manifest(make_manifest(found, None, base / "pictures", seed=0), base / "manifest.jsonl")
    return base


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[EngineProcess]:
    process = EngineProcess()
    opened = ask(
        process,
        Open(
            manifest=str(folder / "manifest.jsonl"),
            cache=str(folder / "cache"),
            run=str(folder / "run"),
            seed=0,
            device="cpu",
        ),
        Opened,
    )
    assert opened.labels == [CIRCLE, DARK, NOISY]
    ask(process, Prepare(plan=PLAN.to_dict()), Prepared)
    yield process
    process.close()


def ask(engine: EngineProcess, command: Message, expected: type[M]) -> M:
    engine.send(command)
    while True:
        event = engine.events(timeout=90)
        assert event is not None, f"no answer to {command}"
        if isinstance(event, CLOSING):
            assert isinstance(event, expected), event
            return event


def hybrid() -> HybridSpace:
    return HybridSpace(Trunk(PLAN.trunk, PLAN.resolution), pooled=True)


def order(number: int, kind: str = "network", genome: Genome | None = None, **values: Any) -> Train:
    return Train(
        number=number,
        kind=kind,
        genome=genome.to_dict() if genome else None,
        seed=number,
        epochs=values.pop("epochs", PLAN.epochs),
        seconds=60.0,
        **values,
    )


@pytest.fixture(scope="module")
def controls(engine: EngineProcess) -> dict[str, Trained]:
    return {
        kind: ask(engine, order(number, kind), Trained)
        for number, kind in enumerate(("majority", "linear_probe"))
    }


@pytest.fixture(scope="module")
def logistic(engine: EngineProcess) -> Trained:
    """The first network of the space: regression on all that the trunk pools."""
    space = hybrid()
    return ask(engine, order(2, genome=space.decode(space.starts[0])), Trained)


def test_it_measures_and_says_what_was_asked(engine: EngineProcess) -> None:
    plan = Plan.from_dict(
        ask(engine, Measure(config=SearchConfig(budget_seconds=60.0).to_dict()), Measured).plan
    )
    assert (plan.task, plan.classes) == ("multi", 3)
    ask(engine, Prepare(plan=PLAN.to_dict()), Prepared)


def test_controls_and_networks_are_scored_by_their_labels(
    controls: dict[str, Trained], logistic: Trained
) -> None:
    majority, probe = controls["majority"], controls["linear_probe"]
    assert majority.accuracy == pytest.approx(
        2 / 3, abs=0.05
    )  # right on one label of three, and on half of two
    assert majority.figures["subset_accuracy"] < 0.4
    assert probe.accuracy > majority.accuracy + 0.1
    assert logistic.accuracy > 0.9
    assert logistic.figures["mean_average_precision"] > 0.95
    right = unpack_bits(logistic.right)
    assert right.shape[1] == 3
    assert right.mean() == pytest.approx(logistic.accuracy)
    assert right.all(axis=1).mean() == pytest.approx(logistic.figures["subset_accuracy"])


def test_cross_validation_judges_every_picture(engine: EngineProcess) -> None:
    space = hybrid()
    answer = ask(engine, order(3, genome=space.decode(space.starts[0]), folds=3), Trained)
    assert unpack_bits(answer.right).shape[0] > 100
    assert answer.accuracy > 0.9


def test_networks_of_every_family_are_trained(engine: EngineProcess) -> None:
    scratch = MacroSpace(32)
    genomes = {
        4: hybrid().decode(hybrid().starts[-1]),
        5: scratch.decode(scratch.starts[0]),
        6: fine_tuned(Trunk(PLAN.trunk, PLAN.resolution), 1),
    }
    for number, genome in genomes.items():
        kind = "fine_tune" if number == 6 else "network"
        answer = ask(engine, order(number, kind, genome, epochs=2), Trained)
        assert 0.4 < answer.accuracy <= 1.0, number
        assert set(answer.figures) == {"mean_average_precision", "subset_accuracy"}


def test_shared_weights_are_scored_too(engine: EngineProcess) -> None:
    space = hybrid()
    base = next(g for g in map(space.decode, space.starts) if g.repeats)
    done = ask(engine, Supernet(number=7, seed=0, seconds=6.0, genome=base.to_dict()), SupernetDone)
    assert all(0.0 < each["accuracy"] <= 1.0 for each in done.found)


@pytest.fixture(scope="module")
def bundle(engine: EngineProcess, folder: Path, controls: dict[str, Trained], logistic: Trained) -> Path:
    """Probe and regression together, the better fitted again, tested on the sealed pictures."""
    space = hybrid()
    genome = space.decode(space.starts[0]).to_dict()
    rivals: list[dict[str, Any]] = [
        {"number": 2, "kind": "network", "genome": genome, "latency_ms": logistic.latency_ms},
        {
            "number": 1,
            "kind": "linear_probe",
            "genome": None,
            "latency_ms": controls["linear_probe"].latency_ms,
        },
    ]
    combined = ask(engine, Combine(number=8, rivals=rivals, most=2), Combined)
    assert combined.figures["mean_average_precision"] > 0.95
    engine.send(Refit(number=9, source=2, kind="network", genome=genome, seed=2, epochs=12, seconds=60.0))
    while not isinstance(event := engine.events(timeout=90), Refitted | Failed):
        assert event is not None
    weights = 9 if isinstance(event, Refitted) else 2
    parts = [rivals[0] | {"weights": weights, "share": 0.7}, rivals[1] | {"weights": 1, "share": 0.3}]
    out = folder / "bundle"
    ask(engine, Export(number=8, parts=parts, final=True, out=str(out), title="Circles"), Exported)
    return out


def test_the_bundle_says_what_it_was_asked_and_how_good_it_is(bundle: Path) -> None:
    card = json.loads((bundle / "model.json").read_text())
    assert card["task"] == "multi-label"
    assert len(card["thresholds"]) == 3
    assert card["parity"]["max_abs_diff"] < 1e-4
    test = card["test"]
    assert test["mean_average_precision"] > 0.9
    assert test["accuracy"] > 0.85
    assert test["interval"][0] <= test["accuracy"] <= test["interval"][1]
    assert test["decisions"] == 3 * test["n"]
    assert [sum(map(sum, row["counts"])) for row in test["per_class"]] == [test["n"]] * 3
    assert "confusion" not in test
    assert set(card["sample"]["labels"]) <= {CIRCLE, DARK, NOISY}
    readme = (bundle / "README.md").read_text()
    assert "which are on a picture" in readme
    assert "sigmoid" in readme


def test_its_script_gives_every_label_and_says_which_are_there(bundle: Path) -> None:
    sample = (bundle / "sample.jpg").read_bytes()
    card = json.loads((bundle / "model.json").read_text())
    lines = subprocess.run(
        [sys.executable, "infer.py", "sample.jpg"], cwd=bundle, capture_output=True, text=True, check=True
    ).stdout
    answers = json.loads(lines)["predictions"]
    thresholds = dict(zip(card["labels"], card["thresholds"], strict=True))
    for each in answers:
        assert each["probability"] == pytest.approx(card["sample"]["probabilities"][each["label"]], abs=1e-5)
        assert each["chosen"] is (each["probability"] >= thresholds[each["label"]])
    ours = load(bundle).classify(sample)[0]
    assert [each._asdict() for each in ours] == answers
    whole = load(bundle).probabilities(to_pixels(sample))
    assert whole.sum() != pytest.approx(1.0, abs=1e-3)  # each label has a probability of its own
    table = subprocess.run(
        [sys.executable, "infer.py", "--csv", "sample.jpg"],
        cwd=bundle,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert table[0] == "file,rank,label,probability,chosen,error"
    assert table[1].split(",")[4] == str(int(answers[0]["chosen"]))


def test_a_whole_search_finds_which_labels_are_there(
    engine: EngineProcess, folder: Path, tmp_path: Path
) -> None:
    """As the command line runs one; the fixture has decoded the pictures already."""
    config = SearchConfig(budget_seconds=30.0, slots=1, max_trials=2, space="hybrid")
    said: list[str] = []
    search = LocalSearch(
        config,
        folder / "manifest.jsonl",
        cache=folder / "cache",
        run=tmp_path / "run",
        device="cpu",
        say=said.append,
    )
    outcome = search.run(title="Circles")
    assert outcome.card["task"] == "multi-label"
    assert outcome.card["test"]["mean_average_precision"] > 0.9
    assert outcome.ledger.plan.task == "multi"
    assert outcome.ledger.entries[0].figures["subset_accuracy"] < 0.5
    assert any("of labels right, mean average precision 0." in line for line in said)
