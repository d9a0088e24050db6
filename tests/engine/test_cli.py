"""The command line as its help describes it, on drawn pictures."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search_engine.ledger import read_ledger, write_ledger
from tests.engine.shapes import SHAPES, write_shapes

pytestmark = pytest.mark.timeout(240)


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], str]:
    folder = tmp_path_factory.mktemp("cli")
    train, test = write_shapes(folder / "train", each=40), write_shapes(folder / "test", each=20, seed=1)
    (train / "circle" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    done = run(
        "-m", "search_engine", "fit", train, "--test", test, "--out", folder / "bundle",
        "--minutes", "1", "--trials", "4", "--slots", "2", "--seed", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_fit_reports_what_it_promises(fitted: tuple[Path, dict[str, object], str]) -> None:
    folder, result, said = fitted
    assert result["test"]["n"] == 60  # type: ignore[index]
    assert result["test"]["accuracy"] > 0.7  # type: ignore[index]
    assert result["trials"] == 4
    assert result["seconds"] < 60  # type: ignore[operator]
    with (folder / "bundle" / "suspects.csv").open(newline="") as file:
        suspects = list(csv.DictReader(file))
    assert len(suspects) == 180  # learned from, judged by and tested on
    assert suspects[0]["file"].split("/")[-2] == suspects[0]["label"]
    assert sum(row["suspected"] == "yes" for row in suspects) == result["suspected"]
    assert len(result["winner"]["hash"]) == 16  # type: ignore[index]
    assert set(result["controls"]) == {"majority", "linear_probe"}  # type: ignore[call-overload]
    against = {each["question"] for each in result["worth"]}  # type: ignore[attr-defined]
    assert "probe" in against
    assert "rejected circle/broken.jpg" in said or "rejected train/circle/broken.jpg" in said


def test_predict_and_the_bundles_script_say_the_same(fitted: tuple[Path, dict[str, object], str]) -> None:
    folder, _, _ = fitted
    pictures = sorted((folder / "test").rglob("*.png"))[::7]
    ours = run("-m", "search_engine", "predict", folder / "bundle", *pictures)
    theirs = run(folder / "bundle" / "infer.py", *pictures, cwd=folder)
    assert ours.returncode == theirs.returncode == 0, ours.stderr + theirs.stderr
    assert ours.stdout == theirs.stdout
    answers = [json.loads(line) for line in ours.stdout.splitlines()]
    right = sum(Path(a["file"]).parent.name == a["predictions"][0]["label"] for a in answers)
    assert right / len(answers) > 0.6
    assert {p["label"] for p in answers[0]["predictions"]} == set(SHAPES)


def test_predict_takes_the_zip_that_the_site_gives(fitted: tuple[Path, dict[str, object], str]) -> None:
    folder, _, _ = fitted
    zipped = shutil.make_archive(str(folder / "zipped"), "zip", folder / "bundle")
    sample = folder / "bundle" / "sample.jpg"
    from_zip = run("-m", "search_engine", "predict", zipped, sample)
    assert from_zip.returncode == 0, from_zip.stderr
    assert from_zip.stdout == run("-m", "search_engine", "predict", folder / "bundle", sample).stdout
    refused = run("-m", "search_engine", "predict", sample, sample)
    assert refused.returncode == 1
    assert "is not a bundle" in refused.stderr


def test_the_sample_comes_out_as_written_down(fitted: tuple[Path, dict[str, object], str]) -> None:
    folder, _, _ = fitted
    card = json.loads((folder / "bundle" / "model.json").read_text())
    done = run(folder / "bundle" / "infer.py", folder / "bundle" / "sample.jpg")
    for prediction in json.loads(done.stdout)["predictions"]:
        expected = card["sample"]["probabilities"][prediction["label"]]
        assert prediction["probability"] == pytest.approx(expected, abs=1e-5)


def test_the_ledger_replays_to_the_same_next_suggestion(
    fitted: tuple[Path, dict[str, object], str],
) -> None:
    folder, result, _ = fitted
    path = folder / "bundle" / "ledger.jsonl"
    ledger = read_ledger(path)
    assert [entry.number for entry in ledger.entries] == list(range(len(ledger.entries)))
    networks = sum(entry.kind == "network" for entry in ledger.entries)
    assert networks == result["trials"] == 4
    winner: dict[str, Any] = result["winner"]  # type: ignore[assignment]
    hashes = [ledger.entries[member["trial"]].hash for member in winner["members"]]
    assert hashes == [member["genome_hash"] for member in winner["members"]]
    assert winner["hash"] == hashes[0]
    assert all(entry.seconds is not None for entry in ledger.entries)
    unbounded = replace(ledger, config=replace(ledger.config, max_trials=None))
    write_ledger(unbounded, folder / "unbounded.jsonl")
    first, again = (run("-m", "search_engine", "replay", folder / "unbounded.jsonl") for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    said = json.loads(first.stdout)
    assert said["step"] == "TrainStep"
    assert said["number"] == len(ledger.entries)
    assert said["key"] not in {entry.hash for entry in ledger.entries}


def test_mistakes_get_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    one = write_shapes(tmp_path / "pictures", each=2)
    for shape in SHAPES[1:]:
        for path in (one / shape).iterdir():
            path.unlink()
    for arguments, words in (
        ((tmp_path / "missing.zip", "--out", tmp_path / "a"), "There is no file or folder"),
        ((one, "--out", tmp_path / "b"), "only one label"),
        ((one, "--out", one), "exists already"),
    ):
        done = run("-m", "search_engine", "fit", *arguments)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr
