"""What a search maximises, and who is within its limits."""

from __future__ import annotations

import pytest

from search_engine.config import SearchConfig
from search_engine.objective import fits, latency_bound, reward_of

PLAIN = SearchConfig(budget_seconds=60.0, max_latency_ms=10.0, max_parameters=1000)
PRODUCT = SearchConfig(budget_seconds=60.0, max_latency_ms=10.0, objective="mnasnet")


def test_accuracy_is_the_reward_unless_speed_is_traded() -> None:
    assert reward_of(PLAIN, 0.8, 40.0) == 0.8
    assert reward_of(PRODUCT, 0.8, 10.0) == pytest.approx(0.8)
    assert reward_of(PRODUCT, 0.8, 20.0) == pytest.approx(0.8 * 2**-0.07)  # MnasNet, equation 2
    assert reward_of(PRODUCT, 0.8, 5.0) == pytest.approx(0.8 * 2**0.07)
    assert reward_of(PRODUCT, None, 5.0) is None


def test_a_bound_shuts_out_and_a_target_does_not() -> None:
    assert fits(PLAIN, 1000, 10.0)
    assert not fits(PLAIN, 1001, 9.0)
    assert not fits(PLAIN, 10, 10.1)
    assert fits(PRODUCT, 10, 99.0)
    assert (latency_bound(PLAIN), latency_bound(PRODUCT)) == (10.0, None)
