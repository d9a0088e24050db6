"""The canonical hash of a genome: equal exactly if the same network would be trained in the same way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache

from search_engine.space.architecture import Genome
from search_engine.space.layout import layout

KEY_LENGTH = 16


@lru_cache(maxsize=4096)  # a mutation asks for many neighbours, most of which differ in nothing that matters
def key_of(genome: Genome) -> str:
    """16 hex characters; genomes that differ only in what cannot matter share them.

    Raises:
        SpaceError: the genome makes no network.
    """
    plan = layout(genome)
    facts = {
        "trunk": [genome.trunk.name, genome.trunk.resolution],
        "taps": plan.taps,
        "width": plan.width,
        "cells": [
            [
                "reduction" if cell.reduction else "normal",
                [[source.index, source.reduce] for source in cell.sources],
                cell.graph.nodes,
                cell.graph.outputs,
                cell.grid_in,
            ]
            for cell in plan.cells
        ],
        "embedding": plan.embedding,
        "head": [genome.head.hidden, float(genome.head.dropout)],
        "recipe": {name: float(value) for name, value in asdict(genome.recipe).items()},
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]
