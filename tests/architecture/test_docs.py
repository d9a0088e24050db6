"""What the documents and the code say of each other."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from search_engine.grammar import parser
from tests.architecture.sources import ROOT, python_files, shown

DECISIONS = {int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md")}
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def decisions_named(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"\bdecision\s+(\d+)", text, re.IGNORECASE)}


def options(command: str) -> list[str]:
    [commands] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    actions = commands.choices[command]._actions
    return [name for action in actions for name in action.option_strings if name not in ("-h", "--help")]


def test_rule_sees_a_decision() -> None:
    assert decisions_named("as decision 3 and Decision\n12 say") == {3, 12}


def test_every_decision_that_is_named_exists() -> None:
    texts = [*python_files("webapp", "search_engine", "scripts"), *DOCUMENTS]
    missing = {shown(p): decisions_named(p.read_text(encoding="utf-8")) - DECISIONS for p in texts}
    assert {path: numbers for path, numbers in missing.items() if numbers} == {}


@pytest.mark.parametrize("command", ["fit", "predict", "bench"])
def test_every_option_is_told_of(command: str) -> None:
    text = (ROOT / "docs" / "searching.md").read_text(encoding="utf-8")
    assert [name for name in options(command) if not re.search(rf"`?{name}\b", text)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []
