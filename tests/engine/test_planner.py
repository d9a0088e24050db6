from __future__ import annotations

import pytest

from search_engine.config import Plan, SearchConfig
from search_engine.planner import (
    EPOCHS,
    MEMORY_BYTES,
    SCRATCH_GOOD_EPOCHS,
    Rates,
    make_plan,
    picture_bytes,
)
from search_engine.space.scratch_space import RESOLUTIONS
from search_engine.space.trunks import TRUNKS

# As measured on two AVX2 cores.
EXTRACT = {96: 220.0, 128: 139.0, 160: 95.0, 192: 70.0, 224: 54.0}
RATES = Rates(decode=400.0, extract=EXTRACT, train=dict.fromkeys(EXTRACT, 1500.0))


def plan(minutes: float, pictures: int, *, slots: int = 2, test: int = 300) -> Plan:
    config = SearchConfig(budget_seconds=minutes * 60, slots=slots)
    return make_plan(
        config, RATES, trunk="efficientnet_lite0", pictures=pictures, test_pictures=test, spent=3.0
    )


def test_a_thousand_photographs_are_seen_at_full_size_within_the_first_minute() -> None:
    made = plan(10, 1000)
    assert made.resolution == 224
    assert made.prepare_seconds < 35


@pytest.mark.parametrize("minutes", [1.0, 2.0, 10.0, 60.0])
@pytest.mark.parametrize("pictures", [30, 2000, 60_000])
def test_preparing_and_finishing_leave_time_for_a_search(minutes: float, pictures: int) -> None:
    made = plan(minutes, pictures)
    left = minutes * 60 - made.prepare_seconds - made.finish_seconds
    assert left > 0.4 * minutes * 60
    assert EPOCHS[0] <= made.epochs <= EPOCHS[1]


def test_more_pictures_mean_lower_resolution_before_fewer_pictures() -> None:
    sizes = [plan(2, n).resolution for n in (1000, 3000, 5000)]
    assert sizes == sorted(sizes, reverse=True)
    assert plan(2, 5000).pictures == 5000
    assert plan(2, 500_000).pictures < 500_000


def test_the_activations_fit_into_memory() -> None:
    made = plan(24 * 60, 10_000_000)
    assert made.pictures * picture_bytes(TRUNKS[made.trunk], made.resolution) <= MEMORY_BYTES


def test_more_slots_see_more() -> None:
    assert plan(2, 9000, slots=4).resolution > plan(2, 9000, slots=1).resolution


def test_a_plan_survives_json() -> None:
    made = plan(5, 2000)
    assert Plan.from_dict(made.to_dict()) == made


def small(minutes: float, pictures: int, **settings: int) -> Plan:
    config = SearchConfig(budget_seconds=minutes * 60, slots=2, **settings)  # type: ignore[arg-type]
    return make_plan(
        config,
        RATES,
        trunk="efficientnet_lite0",
        pictures=pictures,
        test_pictures=50,
        spent=3.0,
        validation=round(0.15 * pictures),
    )


def test_few_pictures_are_cross_validated_if_there_is_time() -> None:
    made = small(10, 400)
    assert (made.folds, made.validation) == (5, 400)
    assert made.search_seconds(SearchConfig(budget_seconds=600, slots=2)) / made.trial_seconds > 15


def test_a_short_budget_or_a_large_set_is_judged_by_its_validation_pictures() -> None:
    assert (small(1, 400).folds, small(1, 400).validation) == (1, 60)
    assert small(60, 5000).folds == 1


def test_the_settings_overrule_the_planner() -> None:
    assert small(1, 400, folds=5).folds == 5
    assert small(10, 400, folds=1).validation == 60
    assert small(1, 400, folds=5).trial_seconds > small(1, 400, folds=1).trial_seconds


def test_folds_do_not_take_the_epochs_of_networks_from_scratch() -> None:
    """The fewest epochs are given whatever they take, so they are no sign that there is time."""
    config = SearchConfig(budget_seconds=600.0, space="macro", slots=1)
    slow = Rates(decode=200.0, extract={96: 100.0}, train={r: 250.0 * (32 / r) ** 2 for r in RESOLUTIONS})
    made = make_plan(
        config,
        slow,
        trunk="efficientnet_lite0",
        pictures=300,
        test_pictures=100,
        spent=5.0,
        validation=50,
    )
    assert made.folds == 1
    assert made.epochs >= SCRATCH_GOOD_EPOCHS
