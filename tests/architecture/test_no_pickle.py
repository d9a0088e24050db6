"""Unpickling runs whatever the file says: nothing here may, so that data stays data."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import PACKAGES, parsed, python_files, shown

BANNED = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def unpickles(tree: ast.Module) -> list[str]:
    """What in the code could run a pickle, with its line."""
    found: list[str] = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found += [f"{node.lineno}: import {name}" for name in names if name.partition(".")[0] in BANNED]  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and _loads_pickles(node):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _loads_pickles(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = ast.unparse(call.func)
    if name in {"torch.load", "torch.hub.load"}:
        only = given.get("weights_only")
        return not (isinstance(only, ast.Constant) and only.value is True)
    if name in {"np.load", "numpy.load"}:
        allowed = given.get("allow_pickle")
        return allowed is not None and not (isinstance(allowed, ast.Constant) and allowed.value is False)
    return False


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_rule_sees_what_could_run_a_pickle(code: str) -> None:
    assert unpickles(ast.parse(code))


def test_rule_lets_plain_data_pass() -> None:
    assert unpickles(ast.parse("torch.load(path, weights_only=True); np.load(path)")) == []


def test_nothing_is_unpickled() -> None:
    found = {shown(path): unpickles(parsed(path)) for path in python_files(*PACKAGES)}
    assert {path: lines for path, lines in found.items() if lines} == {}
