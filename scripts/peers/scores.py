"""Figures of a test, the same for all methods, and the tables of many: means, spreads, ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

Row = dict[str, Any]
OURS = "ours"
LEAST = 1e-7
"""Probabilities are kept from 0 by this much in the log loss, for all alike."""


def scores(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Accuracy, balanced accuracy, log loss in nats and, for two labels, the area under the ROC curve.

    Args:
        probabilities: (pictures, labels); rows are scaled to sum to one.
        targets: (pictures,) indices of the true labels.

    Raises:
        ValueError: there is not one finite row a picture.
    """
    if probabilities.ndim != 2 or len(probabilities) != len(targets) or not np.isfinite(probabilities).all():
        raise ValueError(f"{probabilities.shape} probabilities are no answer for {len(targets)} pictures")
    kept = np.clip(probabilities, LEAST, 1.0)
    kept /= kept.sum(axis=1, keepdims=True)
    right = probabilities.argmax(axis=1) == targets
    found = {
        "accuracy": float(right.mean()),
        "balanced": fmean(float(right[targets == label].mean()) for label in np.unique(targets)),
        "log_loss": float(-np.log(kept[np.arange(len(targets)), targets]).mean()),
    }
    return found | ({"auc": auc(kept[:, 1], targets)} if kept.shape[1] == 2 else {})


def auc(scored: np.ndarray, targets: np.ndarray) -> float:
    """The chance that a picture of label 1 scores above one of label 0; ties count half."""
    positive, negative = scored[targets == 1], scored[targets == 0]
    above = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    return float(above)


def ranks(values: Sequence[float | None]) -> list[float]:
    """Rank of each value, the largest first; ties share their mean rank, and those without come last."""
    known = [float("-inf") if value is None else value for value in values]
    return [1.0 + sum(o > v for o in known) + (sum(o == v for o in known) - 1) / 2 for v in known]


def mean_of(rows: Iterable[Row], name: str) -> float | None:
    """Mean of a figure over rows that have it."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return fmean(values) if values else None


def spread(rows: Sequence[Row], name: str, scale: float, digits: int) -> str:
    """Mean and standard deviation over seeds, as text."""
    values = [scale * row[name] for row in rows if row.get(name) is not None]
    if not values:
        return "-"
    text = f"{fmean(values):.{digits}f}"
    return f"{text} ± {stdev(values):.{digits}f}" if len(values) > 1 else text


def tables(rows: Sequence[Row]) -> str:
    """Everything as Markdown: for each budget a table a set and one of ranks, then how budgets were kept."""
    parts = []
    for minutes in sorted({row["minutes"] for row in rows}):
        here = [row for row in rows if row["minutes"] == minutes]
        parts.append(f"## {minutes:g} minutes\n")
        parts += [
            set_table(name, [row for row in here if row["set"] == name]) for name in _names(here, "set")
        ]
        parts.append(rank_table(here))
    return "\n".join([*parts, budget_table(rows)])


def set_table(name: str, rows: Sequence[Row]) -> str:
    """A line a method."""
    lines = [
        f"### {name}\n",
        "| method | seeds | accuracy % | balanced % | log loss | AUC | seconds to the model | CPU seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for method in _names(rows, "method"):
        tried = [row for row in rows if row["method"] == method]
        good = _good(tried)
        cells = [spread(good, "accuracy", 100, 1), spread(good, "balanced", 100, 1)]
        cells += [spread(good, "log_loss", 1, 3), spread(good, "auc", 1, 3)]
        cells += [spread(good, "fit_seconds", 1, 0), spread(good, "cpu_seconds", 1, 0)]
        lines.append(f"| {method} | {len(good)} of {len(tried)} | {' | '.join(cells)} |")
    failed = {f"{row['method']}: {row['error']}" for row in rows if "error" in row}
    return "\n".join([*lines, "", *(f"- {text}" for text in sorted(failed)), ""])


def rank_table(rows: Sequence[Row]) -> str:
    """Mean rank of each method, and of each method on each set the distance to the best peer.

    The best peer is the best of all that are not called ours or ours-something, by the mean over seeds.
    """
    sets, methods = _names(rows, "set"), _names(rows, "method")
    lines = [
        "### Ranks, and the difference to the best peer (points of accuracy; log loss)\n",
        f"| method | mean rank | {' | '.join(sets)} |",
        f"| --- | --- |{' --- |' * len(sets)}",
    ]
    accuracy = means(rows, "accuracy", sets, methods)
    loss = means(rows, "log_loss", sets, methods)
    placed = [ranks([accuracy[name, method] for method in methods]) for name in sets]
    for index, method in enumerate(methods):
        rank = fmean(column[index] for column in placed)
        cells = [_difference(accuracy, loss, name, method, methods) for name in sets]
        lines.append(f"| {method} | {rank:.2f} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def means(
    rows: Sequence[Row], figure: str, sets: Sequence[str], methods: Sequence[str]
) -> dict[tuple[str, str], float | None]:
    """Mean of a figure over seeds, of each method on each set; None where there is none."""
    return {
        (name, method): mean_of(
            _good([row for row in rows if row["set"] == name and row["method"] == method]), figure
        )
        for name in sets
        for method in methods
    }


def _difference(
    accuracy: dict[tuple[str, str], float | None],
    loss: dict[tuple[str, str], float | None],
    name: str,
    method: str,
    methods: Sequence[str],
) -> str:
    peers = [peer for peer in methods if peer.split("-")[0] != OURS and peer != method]
    best = max((a for peer in peers if (a := accuracy[name, peer]) is not None), default=None)
    least = min((v for peer in peers if (v := loss[name, peer]) is not None), default=None)
    own, own_loss = accuracy[name, method], loss[name, method]
    if own is None or own_loss is None or best is None or least is None:
        return "-"
    return f"{100 * (own - best):+.1f}; {own_loss - least:+.3f}"


def budget_table(rows: Sequence[Row]) -> str:
    """How long our own runs took from start to finished model, against what they were given."""
    lines = [
        "## Our budgets, kept or not\n",
        "| method | set | minutes | seconds, mean | longest | over the budget at most |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    own = [row for row in _good(rows) if row["method"].split("-")[0] == OURS]
    keys = sorted({(row["method"], row["set"], row["minutes"]) for row in own})
    for method, name, minutes in keys:
        took = [
            row["fit_seconds"]
            for row in own
            if (row["method"], row["set"], row["minutes"]) == (method, name, minutes)
        ]
        over = 100 * (max(took) / (60 * minutes) - 1)
        lines.append(
            f"| {method} | {name} | {minutes:g} | {fmean(took):.0f} | {max(took):.0f} | {over:+.0f} % |"
        )
    return "\n".join([*lines, ""])


def _good(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if "error" not in row]


def _names(rows: Sequence[Row], key: str) -> list[str]:
    """The values of a key, in the order of their first row."""
    return list(dict.fromkeys(row[key] for row in rows))
