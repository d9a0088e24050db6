"""What the strict Content-Security-Policy asks of templates, and that pages load nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, shown

RULES = {
    "a style attribute (use a class; the policy forbids inline style)": re.compile(
        r"<[^>]*\sstyle\s*=", re.IGNORECASE
    ),
    "a <style> block (use a style sheet)": re.compile(r"<style[\s>]", re.IGNORECASE),
    "an event attribute (listen in a script file)": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a script without src that is not JSON": re.compile(
        r"<script(?![^>]*\ssrc=)(?![^>]*\stype=[\"']application/json[\"'])[^>]*>", re.IGNORECASE
    ),
    "a file from another host": re.compile(
        r"<(?:script|link|img|source|iframe|video|audio)[^>]*\s(?:src|href|srcset)=[\"'](?:https?:)?//",
        re.IGNORECASE,
    ),
}
COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)


def broken_rules(text: str) -> list[str]:
    text = COMMENT.sub("", text)
    return [rule for rule, pattern in RULES.items() if pattern.search(text)]


def templates() -> list[Path]:
    files = sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.svg"))
    assert files, "no templates"
    return files


@pytest.mark.parametrize(
    "text",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        '<a onclick="go()">',
        "<script>go()</script>",
        '<script src="https://cdn.example/x.js"></script>',
        '<link href="//cdn.example/x.css">',
    ],
)
def test_rules_see_what_they_forbid(text: str) -> None:
    assert broken_rules(text)


def test_rules_let_ordinary_markup_pass() -> None:
    text = '<a href="https://example.org/">out</a><script src="/x.js" defer></script><p class="style">'
    assert broken_rules(text) == []


def test_templates_break_no_rule() -> None:
    found = {shown(path): broken_rules(path.read_text()) for path in templates()}
    assert {path: rules for path, rules in found.items() if rules} == {}


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    sheets = sorted((ROOT / "static" / "css").rglob("*.css"))
    assert sheets
    outside = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", re.IGNORECASE)
    assert [shown(path) for path in sheets if outside.search(path.read_text())] == []
