"""A bundle's ``model.json`` with invented figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def card_of(
    labels: Sequence[str], *, final: bool, accuracy: float = 0.85, name: str = "Colours"
) -> dict[str, Any]:
    """What the engine says about an exported network: 9 of 10 test pictures of each label are right."""
    return {
        "format": 1,
        "name": name,
        "labels": list(labels),
        "genome": None,
        "genome_hash": "0123456789abcdef",
        "trunk": "efficientnet_lite0",
        "resolution": 128,
        "parameters": 3_400_000,
        "macs": 120_000_000,
        "size_bytes": 13_600_000,
        "validation": {"accuracy": accuracy, "n": 4},
        "test": sealed_test(labels) if final else None,
        "splits": {"train": 12, "validation": 4, "test": 20},
        "parity": {"max_abs_diff": 1e-6, "n": 4},
        "versions": {"netwright": "0.1.0"},
        "created": "2026-01-02T03:04:05+00:00",
    }


def sealed_test(labels: Sequence[str]) -> dict[str, Any]:
    count = len(labels)
    per_class = [{"label": name, "precision": 0.9, "recall": 0.9, "f1": 0.9, "n": 10} for name in labels]
    confusion = [[9 if i == j else int(j == (i + 1) % count) for j in range(count)] for i in range(count)]
    return {
        "accuracy": 0.9,
        "n": 10 * count,
        "interval": [0.7, 0.97],
        "per_class": per_class,
        "confusion": confusion,
        "log_loss": 0.3,
        "macro_f1": 0.9,
    }
