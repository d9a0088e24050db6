"""What may be chosen about a search, and what is chosen for those who leave it open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search_engine.config import SearchConfig
from search_engine.errors import SearchEngineError
from search_engine.settings import FIDELITIES, check_config, settled
from search_engine.space.architecture import Trunk
from search_engine.space.registry import SPACES, make_space
from search_engine.strategies import STRATEGIES

TRUNK = Trunk("efficientnet_lite0", 128)


def config(**changes: Any) -> SearchConfig:
    return replace(SearchConfig(budget_seconds=60.0, space="auto"), **changes)


@pytest.mark.parametrize(
    ("changes", "space"),
    [
        ({}, "any"),
        ({"strategy": "reinforce"}, "any"),
        ({"strategy": "enas"}, "hybrid"),
        ({"fidelity": "asha"}, "hybrid"),
        ({"space": "macro"}, "macro"),
    ],
)
def test_what_is_left_open_is_chosen_by_what_goes_with_the_rest(changes: dict[str, Any], space: str) -> None:
    assert settled(config(**changes)).space == space


@pytest.mark.parametrize("fidelity", ["full", "halving"])
@pytest.mark.parametrize("name", ["hybrid", "cells", "macro"])
def test_start_decides_where_it_would_not_be_found_otherwise(name: str, fidelity: str) -> None:
    space = make_space(name, TRUNK, 32)
    start = space.decode(space.starts[0]).to_dict()
    chosen = settled(config(start=start, fidelity=fidelity)).space
    assert chosen == ("any" if name != "cells" and fidelity == "full" else name)


@pytest.mark.parametrize(
    ("strategy", "fidelity"),
    [("enas", "full"), *((s, f) for s in sorted(STRATEGIES.keys() - {"enas"}) for f in FIDELITIES)],
)
def test_whoever_leaves_the_space_open_is_never_refused_for_it(strategy: str, fidelity: str) -> None:
    check_config(settled(config(strategy=strategy, fidelity=fidelity)))


def test_settled_space_is_one_that_there_is() -> None:
    assert settled(config()).space in SPACES


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"space": "moon"}, "hybrid"),
        ({"strategy": "luck"}, "evolution"),
        ({"fidelity": "low"}, "asha"),
        ({"objective": "size"}, "mnasnet"),
        ({"objective": "mnasnet"}, "milliseconds"),
        ({"saving": "money"}, "pictures"),
        ({"random_share": 1.5}, "0 to 1, not 1.5"),
        ({"max_trials": 0}, "1 or more"),
        ({"max_parameters": -3}, "1 or more"),
        ({"max_latency_ms": float("nan")}, "milliseconds"),
        ({"saving": "resolution"}, "from scratch"),
        ({"strategy": "enas", "space": "macro"}, "cells"),
        ({"strategy": "enas", "fidelity": "asha"}, "full"),
        ({"prefilter": True, "fidelity": "halving"}, "full"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_what_to_choose(
    changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(SearchEngineError, match=word):
        check_config(settled(config(**changes)))
