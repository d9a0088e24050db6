"""The canonical hash of a genome: equal exactly if the same network would be trained in the same way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple
from functools import lru_cache
from typing import Any

from search_engine.space.architecture import LBFGS, Genome, Recipe, Trunk
from search_engine.space.layout import PlacedCell, layout
from search_engine.space.scratch import scratch_layout

KEY_LENGTH = 16
ON_PIXELS = frozenset({"shift", "flip", "augment", "erase", "policy"})
DEFAULTS = Recipe(learning_rate=0.0, weight_decay=0.0, batch_size=0, label_smoothing=0.0, mixup=0.0)
LATER_FIELDS = ("augment", "erase", "balance", "trunk_rate", "policy")


@lru_cache(maxsize=4096)  # a mutation asks for many neighbours, most of which differ in nothing that matters
def key_of(genome: Genome) -> str:
    """16 hex characters; genomes that differ only in what cannot matter share them.

    Raises:
        SpaceError: the genome makes no network.
    """
    facts = _scratch_facts(genome) if genome.trunk is None else _trunk_facts(genome, genome.trunk)
    facts["head"] = [genome.head.hidden, float(genome.head.dropout)]
    facts["recipe"] = _recipe_facts(genome)
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _recipe_facts(genome: Genome) -> dict[str, Any]:
    """What has come to recipes since the first ledgers is said only where it is not as it was then."""
    recipe = asdict(genome.recipe)
    solver = recipe.pop("solver")
    if solver == LBFGS:
        return {"solver": solver}
    for name in LATER_FIELDS:
        if recipe[name] == getattr(DEFAULTS, name):
            del recipe[name]
    if genome.trunk is not None:  # cached activations cannot be shifted, mirrored, bent or erased
        recipe = {name: value for name, value in recipe.items() if name not in ON_PIXELS}
    return {name: value if isinstance(value, str) else float(value) for name, value in recipe.items()}


def _trunk_facts(genome: Genome, trunk: Trunk) -> dict[str, Any]:
    plan = layout(genome)
    pooled = {"pooled": True} if plan.pooled else {}
    unfrozen = {"unfrozen": plan.unfrozen} if plan.unfrozen else {}
    facts = {
        "trunk": [trunk.name, trunk.resolution],
        "taps": plan.taps,
        "width": plan.width,
        "cells": [_cell_facts(cell) for cell in plan.cells],
        "embedding": plan.embedding,
    }
    return facts | pooled | unfrozen


def _scratch_facts(genome: Genome) -> dict[str, Any]:
    plan = scratch_layout(genome)
    return {
        "scratch": [plan.resolution, plan.stem, plan.width],
        "cells": [[*_cell_facts(cell), cell.width] for cell in plan.cells],
        "blocks": [astuple(block) for block in plan.blocks],
    }


def _cell_facts(cell: PlacedCell) -> list[Any]:
    return [
        "reduction" if cell.reduction else "normal",
        [[source.index, source.reduce] for source in cell.sources],
        cell.graph.nodes,
        cell.graph.outputs,
        cell.grid_in,
    ]
