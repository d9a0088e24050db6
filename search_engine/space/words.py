"""Decisions and their choices in plain words, for pages and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_engine.space.base import Decision

OPERATIONS = {
    "identity": "skip",
    "sep_conv_3x3": "separable convolution 3×3",
    "sep_conv_5x5": "separable convolution 5×5",
    "avg_pool_3x3": "average pooling 3×3",
    "max_pool_3x3": "max pooling 3×3",
    "conv_1x1": "convolution 1×1",
}
BLOCKS = {
    "conv": "convolution",
    "residual": "residual block",
    "mbconv_e3k3": "inverted bottleneck ×3, 3×3",
    "mbconv_e6k5": "inverted bottleneck ×6, 5×5",
    "fused_mbconv": "fused inverted bottleneck",
}
SOLVERS = {"adamw": "AdamW", "lbfgs": "L-BFGS"}
STEMS = {"conv_3x3": "convolution 3×3", "patch_4x4": "patches of 4×4"}
AUGMENTATIONS = {
    "none": "none",
    "affine": "turned and stretched a little",
    "affine_strong": "turned and stretched more",
    "trivial": "TrivialAugment",
    "learned": "learned on these pictures",
}
INPUTS = ("earlier cell", "previous cell")
"""States 0 and 1 of a cell; state 2 + i is its node i."""

FAMILIES = {"trunk": "on the pretrained network", "scratch": "from scratch"}
FROM_SCRATCH = "scratch."
"""How the names of decisions begin that are about networks from scratch, where both kinds are searched."""

STRUCTURE = "Structure"
_STRUCTURE = {
    "family": "kind of network",
    "repeats": "cells in a row",
    "width": "channels",
    "has_reduction": "reduction cell",
    "shortcut": "shortcut past the cells",
    "pooled": "classifier sees every stage",
    "unfrozen": "stages of the trunk that are trained",
    "stages": "stages",
    "stem": "stem",
}
_PARTS = {
    "head": {"hidden": "hidden units", "dropout": "dropout"},
    "recipe": {
        "learning_rate": "learning rate",
        "weight_decay": "weight decay",
        "batch_size": "batch size",
        "label_smoothing": "label smoothing",
        "mixup": "mixup",
        "shift": "shifting",
        "flip": "mirroring",
        "solver": "solver",
        "augment": "changing pictures",
        "erase": "painting over a part",
        "balance": "rare labels count as much as common ones",
        "trunk_rate": "learning rate in the trunk, as a share",
    },
}
_STAGE = {
    "depth": "blocks",
    "width": "channels",
    "block": "kind of block",
    "squeeze": "squeeze and excitation",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A decision in words.

    Attributes:
        group: the part of the network that it is about, e.g. "Normal cell".
        name: within the group, e.g. "node 2, first operation".
        choices: as many as the decision has.
    """

    group: str
    name: str
    choices: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name where no group stands above it, e.g. "normal cell, node 2, first operation"."""
        return self.name if self.group == STRUCTURE else f"{self.group.lower()}, {self.name}"


def in_words(decision: Decision) -> Words:
    """A decision of any space; one that is not known here keeps its name."""
    group, name = _named(decision.name.removeprefix(FROM_SCRATCH))
    if decision.name.startswith(FROM_SCRATCH):
        group = "From scratch" if group == STRUCTURE else f"From scratch, {group.lower()}"
    last = decision.name.rpartition(".")[2]
    return Words(group, name, tuple(_choice(last, value) for value in decision.choices))


def _named(name: str) -> tuple[str, str]:
    first, *rest = name.split(".")
    match first, rest:
        case "tap", [stage]:
            return "Taps", f"stage {stage.removeprefix('stage')} of the trunk"
        case ("normal" | "reduction") as cell, [node, field]:
            which = "first" if field.endswith("_a") else "second"
            what = "operation" if field.startswith("op_") else "input"
            return f"{cell.capitalize()} cell", f"node {int(node) + 1}, {which} {what}"
        case "stage", [index, field]:
            return f"Stage {int(index) + 1}", _STAGE.get(field, field)
        case ("head" | "recipe") as part, [field]:
            return part.capitalize(), _PARTS[part].get(field, field.replace("_", " "))
        case _, [] if first in _STRUCTURE:
            return STRUCTURE, _STRUCTURE[first]
    return STRUCTURE, name


def _choice(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field.startswith("input_"):
        return INPUTS[value] if value < len(INPUTS) else f"node {value - len(INPUTS) + 1}"
    if isinstance(value, str):
        names = (OPERATIONS, BLOCKS, STEMS, SOLVERS, AUGMENTATIONS, FAMILIES)
        return next((words[value] for words in names if value in words), value)
    if field in {"hidden", "dropout", "label_smoothing", "mixup", "shift", "unfrozen"} and not value:
        return "none"
    units = {"shift": "up to {:g} pixels", "batch_size": "{:g} pictures"}
    return units.get(field, "{:g}").format(value) if isinstance(value, int | float) else str(value)
