"""What a trial costs besides training, in a real search with real engines."""

from __future__ import annotations

import pytest

from scripts.bench_overhead import measure

pytestmark = pytest.mark.timeout(600)
NETWORKS = 15
LIMIT_MS = 150.0


def test_a_trial_begins_within_150_ms_of_its_claim() -> None:
    """The processor seconds keep the limit on any machine; the wall clock on one that has a core for us.

    Where others want the cores too, it may take as many times as long as training does, so what still shows
    is waiting: a tick of a second somewhere would be found at any load.
    """
    found = measure(trials=NETWORKS, slots=1, minutes=10.0, strategy="predictor", short=True)
    assert found["networks"] == NETWORKS - 1  # all but the first, which loads the pictures
    assert found["overhead_cpu"]["median"] < LIMIT_MS
    assert found["overhead"]["median"] < LIMIT_MS * max(1.0, found["slowdown"])
