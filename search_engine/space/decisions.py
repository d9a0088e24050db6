"""Decisions that several spaces share, and how they are read from and written to genomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import OPERATIONS, Cell, Genome, Head, Node, Recipe
from search_engine.space.base import Decision

NODES = 4
"""Nodes of a cell; ENAS and NASNet use 5 on larger grids."""

_FIELDS = ("input_a", "op_a", "input_b", "op_b")


def cell_decisions(name: str) -> list[Decision]:
    """Two inputs and two operations for each node of a cell."""
    decisions = []
    for i in range(NODES):
        inputs = tuple(range(2 + i))
        for side in ("a", "b"):
            decisions.append(Decision(f"{name}.{i}.input_{side}", inputs))
            decisions.append(Decision(f"{name}.{i}.op_{side}", OPERATIONS))
    return decisions


def read_cell(name: str, value: Mapping[str, Any]) -> Cell:
    """The cell of a vector's values."""
    return Cell(tuple(Node(**{f: value[f"{name}.{i}.{f}"] for f in _FIELDS}) for i in range(NODES)))


def write_cell(name: str, cell: Cell | None) -> dict[str, Any]:
    """The values of a cell; without one, values that say that nothing matters.

    Raises:
        SpaceError: the cell has more or fewer nodes than the spaces' cells have.
    """
    if cell is None:
        return {f"{name}.{i}.{f}": None for i in range(NODES) for f in _FIELDS}
    if len(cell.nodes) != NODES:
        raise SpaceError(f"a cell of this space has {NODES} nodes, not {len(cell.nodes)}")
    return {f"{name}.{i}.{f}": v for i, node in enumerate(cell.nodes) for f, v in asdict(node).items()}


def read_training(value: Mapping[str, Any]) -> tuple[Head, Recipe]:
    """Head and recipe of a vector's values."""
    parts: dict[str, dict[str, Any]] = {"head": {}, "recipe": {}}
    for name, chosen in value.items():
        part, _, field = name.partition(".")
        if part in parts:
            parts[part][field] = chosen
    return Head(**parts["head"]), Recipe(**parts["recipe"])


def write_training(genome: Genome) -> dict[str, Any]:
    """The values of a genome's head and recipe."""
    head = {f"head.{name}": v for name, v in asdict(genome.head).items()}
    return head | {f"recipe.{name}": v for name, v in asdict(genome.recipe).items()}


def index_of(decision: Decision, value: Any) -> int:
    """The value's place among the choices; None means that the decision cannot matter.

    Raises:
        SpaceError: it is not one of the choices.
    """
    if value is None:
        return 0
    if value not in decision.choices:
        raise SpaceError(f"{decision.name} cannot be {value!r} here; it is one of {decision.choices}")
    return decision.choices.index(value)
