"""The bundle's script, run as its users run it: alone, in a folder of its own."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image

from search_engine.export.predict import load
from search_engine.export.script import infer_script
from tests.engine.data.drawing import encoded, picture, two_halves
from tests.engine.export.bundles import make_bundle

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_bundle(tmp_path_factory.mktemp("bundle"))
    (folder / "infer.py").write_text(infer_script(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "a.png").write_bytes(picture(1))
    (folder / "b.jpg").write_bytes(encoded(two_halves(), "JPEG", exif=exif))
    (folder / "more").mkdir()
    (folder / "more" / "ünï 箱.webp").write_bytes(picture(2, "WEBP"))
    (folder / "more" / "z.png").write_bytes(picture(3))
    (folder / ".DS_Store").write_bytes(b"clutter")
    return folder


def infer(bundle: Path, *arguments: object) -> Run:
    """``-I``: neither this checkout nor the environment is on the path of the imports."""
    command = [sys.executable, "-I", str(bundle / "infer.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=bundle, check=False)


def lines(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_it_imports_only_what_the_bundle_promises() -> None:
    nodes = list(ast.walk(ast.parse(infer_script())))
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    outside = {str(name).split(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert outside == {"numpy", "onnxruntime", "PIL"}


def test_it_reads_like_one_file() -> None:
    text = infer_script()
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert len(imports) == len(set(imports))
    assert "search_engine" not in text
    assert text.startswith('"""Say what is on pictures')


def test_its_answers_are_those_of_the_site(bundle: Path, pictures: Path) -> None:
    run = infer(bundle, pictures)
    assert run.returncode == 0, run.stderr
    answers = lines(run)
    names = ["a.png", "b.jpg", "more/z.png", "more/ünï 箱.webp"]
    assert [answer["file"] for answer in answers] == [str(pictures / name) for name in names]
    site = load(bundle)
    for name, answer in zip(names, answers, strict=True):
        (same,) = site.classify((pictures / name).read_bytes())
        assert answer["predictions"] == [prediction._asdict() for prediction in same]


def test_top_k_gives_only_so_many_labels(bundle: Path, pictures: Path) -> None:
    (answer,) = lines(infer(bundle, pictures / "a.png", "--top-k", 1))
    assert isinstance(answer["predictions"], list)
    assert len(answer["predictions"]) == 1


def test_batches_give_the_same_answers(bundle: Path, pictures: Path) -> None:
    assert lines(infer(bundle, pictures, "--batch", 3)) == lines(infer(bundle, pictures))


def test_a_file_that_cannot_be_read_has_an_error_and_the_rest_is_answered(
    bundle: Path, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("hello there")
    run = infer(bundle, tmp_path / "none.jpg", pictures / "a.png", tmp_path / "text.jpg", pictures / "b.jpg")
    assert run.returncode == 1
    missing, first, text, second = lines(run)
    assert missing == {"file": str(tmp_path / "none.jpg"), "error": "There is no such file."}
    assert str(text["error"]).startswith("This is text")
    assert "predictions" in first
    assert "predictions" in second


def test_names_in_any_script_are_printed_whatever_the_locale(bundle: Path, pictures: Path) -> None:
    latin = {"PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "infer.py", str(pictures / "more")]
    run = subprocess.run(command, capture_output=True, cwd=bundle, env=latin, check=False)
    assert run.returncode == 0, run.stderr
    assert "ünï 箱.webp" in run.stdout.decode("utf-8")


def test_csv_is_a_table_of_labels(bundle: Path, pictures: Path) -> None:
    run = infer(bundle, pictures / "a.png", pictures / "none.png", "--csv", "--top-k", 2)
    assert run.returncode == 1
    rows = list(csv.DictReader(StringIO(run.stdout)))
    assert [(row["rank"], bool(row["error"])) for row in rows] == [("1", False), ("2", False), ("", True)]
    assert float(rows[0]["probability"]) >= float(rows[1]["probability"])


def test_help_explains_itself(bundle: Path) -> None:
    run = infer(bundle, "--help")
    assert run.returncode == 0
    for word in ("IMAGE_OR_FOLDER", "--top-k", "--batch", "--csv", "exit code"):
        assert word in run.stdout


def test_nothing_to_do_is_a_usage_error(bundle: Path) -> None:
    assert infer(bundle).returncode == 2
    assert infer(bundle, "a.png", "--batch", "0").returncode == 2
