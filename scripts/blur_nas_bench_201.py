"""A table with two fidelities out of NAS-Bench-201, for ``bench --cost-budget``: simulated, not measured.

No table with a free licence holds short and long trainings of the same cells. So the full training (cost
200) is the package's mean of its trainings of 200 epochs, and the short one (cost 12) is made up: the cell's
place among all cells, as a normal score, plus a systematic error (each operation on each edge is over- or
underrated by an amount of its own, as fast learners are by short trainings) and noise. Both are larger among
the better cells. The constants were chosen, once for all three data sets, so that short and full rank alike
about as 12 and 200 real epochs do (Spearman 0.81 to 0.87 over all cells, 0.39 to 0.47 among the best fifth):
0.84 and 0.47 to 0.48 here. Evolution is misled more than by the real ones, as its gains are of single cells.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from convert_nas_bench_201 import EDGES, OPERATIONS, convert, write

SEED = 12
SYSTEMATIC, NOISE = 0.3, 0.4
"""Standard deviations, where that of the scores is 1."""
GROWTH = 0.6
"""How much both grow for each standard deviation above the middle."""
SHORT, FULL = 12, 200
"""Epochs."""
MIDDLE, SPREAD = 60.0, 8.0
"""Of the short trainings' made-up accuracy in percent."""


def blur(dataset: str) -> dict[str, Any]:
    """The table of one data set with a short training beside the full one."""
    table = convert(dataset)
    keys = list(table["truth"])
    truth = np.array([table["truth"][key] for key in keys])
    places = (np.argsort(np.argsort(truth, kind="stable"), kind="stable") + 0.5) / len(truth)
    scores = np.array([NormalDist().inv_cdf(place) for place in places])
    rng = np.random.default_rng(SEED)
    favours = rng.normal(size=(EDGES, len(OPERATIONS)))
    cells = np.array([list(map(int, key.split(","))) for key in keys])
    favour = favours[np.arange(EDGES), cells].sum(axis=1)
    error = SYSTEMATIC * (favour - favour.mean()) / favour.std() + NOISE * rng.normal(size=len(keys))
    short = MIDDLE + SPREAD * (scores + (1 + GROWTH * np.maximum(scores, 0)) * error)
    return {
        "name": f"NAS-Bench-201, {dataset}, validation accuracy in percent; short trainings simulated",
        "choices": table["choices"],
        "rewards": {key: [value] for key, value in table["truth"].items()},
        "truth": table["truth"],
        "cost": FULL,
        "low": {
            "cost": SHORT,
            "rewards": dict(zip(keys, [[round(x, 3)] for x in short.tolist()], strict=True)),
        },
    }


if __name__ == "__main__":
    write(blur, __doc__)
