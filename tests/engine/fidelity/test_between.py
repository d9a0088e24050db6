from __future__ import annotations

import random

from search_engine.fidelity.between import chance_to_reach


def test_what_can_no_longer_reach_the_best_has_no_chance() -> None:
    assert chance_to_reach(right=10, judged=60, count=100, incumbent=0.6) == 0.0


def test_what_has_passed_the_best_already_is_certain() -> None:
    assert chance_to_reach(right=60, judged=60, count=100, incumbent=0.5) == 1.0


def test_the_chance_is_about_what_coins_say() -> None:
    rng = random.Random(0)
    passed = tried = 0
    while tried < 300:
        share = rng.random()
        if sum(rng.random() < share for _ in range(50)) == 40:  # nothing was known of the share before
            tried += 1
            passed += 40 + sum(rng.random() < share for _ in range(150)) > 0.84 * 200
    assert abs(chance_to_reach(right=40, judged=50, count=200, incumbent=0.84) - passed / tried) < 0.08
