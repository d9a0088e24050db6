"""How long one picture takes, measured and not estimated."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_latency_ms(run: Callable[[], object], *, repeats: int = 20, warm_up: int = 3) -> float:
    """Median wall-clock milliseconds of a call, after a few calls to warm up.

    The median, because on a shared machine the mean measures the neighbours.
    """
    for _ in range(warm_up):
        run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000.0
