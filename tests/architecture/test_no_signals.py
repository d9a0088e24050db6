"""What happens when a row is saved is written where it is saved: Django's signals hide it."""

from __future__ import annotations

import ast

from tests.architecture.sources import parsed, python_files, shown

MODULES = ("django.dispatch", "django.db.models.signals")
SIGNALS = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed", "pre_init", "post_init"}


def uses_signals(tree: ast.Module) -> bool:
    return any(name.startswith(MODULES) or name in SIGNALS for node in ast.walk(tree) for name in names(node))


def names(node: ast.AST) -> list[str]:
    match node:
        case ast.ImportFrom(module=module, names=imported):
            return [f"{module}.{one.name}" for one in imported]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
    return []


def test_rule_sees_a_receiver() -> None:
    assert uses_signals(ast.parse("from django.dispatch import receiver"))
    assert uses_signals(ast.parse("signals.post_save.connect(f)"))


def test_webapp_has_no_signal_receivers() -> None:
    assert [shown(path) for path in python_files("webapp") if uses_signals(parsed(path))] == []
