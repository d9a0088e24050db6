"""What may be chosen about a search: in words, checked, and passed on to the engine."""

from __future__ import annotations

from typing import Any

import pytest

from search_engine.config import SearchConfig
from search_engine.fidelity.registry import SCHEDULERS
from search_engine.fidelity.rungs import SAVINGS
from search_engine.objective import OBJECTIVES
from search_engine.settings import settled
from search_engine.space.registry import SPACES
from search_engine.strategies import STRATEGIES
from tests.web.factories import make_version
from tests.web.searches.making import GENOME, add_trial, make_search
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets.models import DatasetVersion
from webapp.searches import services
from webapp.searches.choices import (
    FIDELITY_WORDS,
    OBJECTIVE_WORDS,
    SAVING_WORDS,
    SPACE_WORDS,
    STRATEGY_WORDS,
    SearchChoices,
    best_network,
    chosen_words,
    offered,
    strategies,
)
from webapp.searches.models import Search
from webapp.searches.replay import search_config


def start(alice: User, version: DatasetVersion, **choices: Any) -> Search:
    return services.start_search(
        owner=alice, version=version, budget_minutes=2, choices=SearchChoices(**choices)
    )


def earlier_search(alice: User, version: DatasetVersion, **values: Any) -> Search:
    """A finished search with controls and two networks, of which number 3 is better."""
    search = make_search(alice, version=version, state=Search.State.FINISHED, **values)
    add_trial(search)
    add_trial(search, accuracy=0.99)
    add_trial(search, accuracy=0.8, genome={"worse": True})
    add_trial(search, accuracy=0.9, genome=GENOME, parameters=4_000_000, latency_ms=12.0)
    add_trial(search, state="failed")
    return search


def test_everything_that_the_engine_has_is_offered_in_words() -> None:
    assert STRATEGIES.keys() <= STRATEGY_WORDS.keys()
    assert {"auto", *SPACES} == SPACE_WORDS.keys()
    assert {"full", *SCHEDULERS} == FIDELITY_WORDS.keys()
    assert set(OBJECTIVES) == OBJECTIVE_WORDS.keys()
    assert set(SAVINGS) == SAVING_WORDS.keys()
    for words in (STRATEGY_WORDS, SPACE_WORDS, FIDELITY_WORDS, OBJECTIVE_WORDS, SAVING_WORDS):
        assert all(choice.title and choice.text.endswith((".", ").")) for choice in words.values())
    assert set(strategies()) == set(STRATEGIES)
    assert next(iter(strategies())) == "auto"


def test_what_has_no_words_yet_is_offered_by_its_name() -> None:
    assert offered({}, ["brand-new"])["brand-new"].title == "Brand-new"


def test_defaults_are_the_engines(alice: User) -> None:
    search = start(alice, make_version(alice, each=20))
    config = search_config(search)
    assert config == settled(SearchConfig(budget_seconds=120.0, space="auto", slots=search.slot_count))
    assert chosen_words(search) == ""


def test_choices_reach_the_engine_and_the_page(alice: User) -> None:
    version = make_version(alice, each=20)
    earlier = earlier_search(alice, version, space="cells")
    search = start(
        alice,
        version,
        strategy="evolution",
        space="cells",
        fidelity="asha",
        max_latency_ms=20.0,
        max_parameters=5_000_000,
        start_from=earlier,
    )
    config = search_config(Search.objects.get(pk=search.pk))
    assert (config.strategy, config.space, config.fidelity) == ("evolution", "cells", "asha")
    assert (config.max_latency_ms, config.max_parameters) == (20.0, 5_000_000)
    assert config.start == GENOME
    assert search.start_from == earlier
    assert chosen_words(search) == (
        "Evolution · Cells, from scratch · Short first, without waiting · at most 20 ms a picture · "
        "at most 5 million parameters · starts from the best network of an earlier search"
    )


def test_what_experts_choose_reaches_the_engine_and_the_page(alice: User) -> None:
    search = start(
        alice,
        make_version(alice, each=20),
        fidelity="halving",
        max_latency_ms=20.0,
        objective="mnasnet",
        saving="pictures",
        random_share=0.3,
        early_stop=False,
        ensemble=False,
    )
    config = search_config(Search.objects.get(pk=search.pk))
    assert (config.objective, config.saving, config.random_share) == ("mnasnet", "pictures", 0.3)
    assert (config.early_stop, config.prefilter, config.ensemble) == (False, False, False)
    assert chosen_words(search) == (
        "On top of a pretrained network · Short first, in rounds · Being right, and fast · aims at 20 ms a "
        "picture · short trainings save pictures · 30% of the training by chance · no training ends early · "
        "one network only"
    )


def test_under_mnasnet_the_best_network_is_who_earned_most(alice: User) -> None:
    """Half as slow is worth 5 % of the accuracy, and nothing is too slow to start from."""
    search = make_search(
        alice, version=make_version(alice, each=20), objective="mnasnet", max_latency_ms=10.0
    )
    add_trial(search)
    add_trial(search)
    add_trial(search, accuracy=0.90, latency_ms=80.0, genome=GENOME)
    quick = add_trial(search, accuracy=0.88, latency_ms=11.0, genome=GENOME)
    assert best_network(search) == quick
    Search.objects.filter(pk=search.pk).update(objective="accuracy", max_latency_ms=None)
    best = best_network(Search.objects.get())
    assert best
    assert best.accuracy == 0.90


def test_start_outlives_the_search_it_came_from(alice: User) -> None:
    version = make_version(alice, each=20)
    earlier = earlier_search(alice, version)
    search = start(alice, version, start_from=earlier)
    earlier.delete()
    search.refresh_from_db()
    assert (search.start, search.start_from) == (GENOME, None)


def test_space_left_open_is_that_of_the_start(alice: User) -> None:
    version = make_version(alice, each=20)
    assert start(alice, version, space="auto").space == "any"
    assert start(alice, version, space="auto", fidelity="asha").space == "hybrid"
    earlier = earlier_search(alice, version)
    assert start(alice, version, space="auto", start_from=earlier).space == earlier.space


@pytest.mark.parametrize("space", ["auto", "hybrid"])
def test_search_of_one_kind_may_start_from_the_best_of_everything(alice: User, space: str) -> None:
    """Rounds go with one kind only: then it is the kind that won."""
    version = make_version(alice, each=20)
    earlier = earlier_search(alice, version)
    earlier.space = "any"
    earlier.save()
    assert start(alice, version, space=space, fidelity="asha", start_from=earlier).space == "hybrid"
    assert start(alice, version, space="auto", start_from=earlier).space == "any"
    with pytest.raises(UserError, match="of another kind"):
        start(alice, version, space="macro", fidelity="asha", start_from=earlier)


@pytest.mark.parametrize(
    ("choices", "code", "advice"),
    [
        ({"strategy": "magic"}, "unknown_strategy", "Choose one of: auto,"),
        ({"space": "outer"}, "unknown_space", "Choose one of: auto,"),
        ({"fidelity": "none"}, "unknown_fidelity", "Choose one of: full,"),
        ({"strategy": "enas", "space": "macro"}, "bad_choice", "has none"),
        ({"strategy": "enas", "fidelity": "asha"}, "bad_choice", "full training only"),
        ({"objective": "speed"}, "unknown_objective", "Choose one of: accuracy,"),
        ({"saving": "money"}, "unknown_saving", "Choose one of: epochs,"),
        ({"objective": "mnasnet"}, "bad_choice", "needs a latency to aim at"),
        ({"saving": "resolution"}, "bad_choice", "Save epochs or pictures"),
        ({"random_share": 1.5}, "bad_choice", "must be 0 to 1"),
        ({"random_share": float("nan")}, "bad_choice", "must be 0 to 1"),
        ({"prefilter": True, "fidelity": "halving"}, "bad_choice", "full training only"),
        ({"max_latency_ms": 0.0}, "bad_limit", "Leave it out"),
        ({"max_latency_ms": float("nan")}, "bad_limit", "Leave it out"),
        ({"max_parameters": 0}, "bad_limit", "Leave the limit out"),
        ({"max_parameters": 3_000_000, "space": "hybrid"}, "bad_limit", "search from scratch"),
    ],
)
def test_choices_that_make_no_sense_are_refused_with_advice(
    alice: User, choices: dict[str, Any], code: str, advice: str
) -> None:
    with pytest.raises(UserError, match=advice) as refusal:
        start(alice, make_version(alice, each=20), **choices)
    assert refusal.value.code == code
    assert not Search.objects.exists()


@pytest.mark.parametrize("space", ["macro", "auto"])
def test_network_from_scratch_may_be_small(alice: User, space: str) -> None:
    search = start(alice, make_version(alice, each=20), space=space, max_parameters=100_000)
    assert search.max_parameters == 100_000


def test_start_is_the_best_network_and_no_control(alice: User) -> None:
    best = best_network(earlier_search(alice, make_version(alice, each=20)))
    assert best
    assert best.number == 3


@pytest.mark.parametrize(
    ("choices", "advice"),
    [
        ({"space": "cells"}, "On top of a pretrained network"),
        ({"max_parameters": 3_900_000}, "4.0 million parameters, more than your limit"),
        ({"max_latency_ms": 10.0}, "12.0 ms a picture, more than your limit"),
    ],
)
def test_start_that_does_not_fit_is_refused(alice: User, choices: dict[str, Any], advice: str) -> None:
    version = make_version(alice, each=20)
    earlier = earlier_search(alice, version)
    with pytest.raises(UserError, match=advice) as refusal:
        start(alice, version, start_from=earlier, **choices)
    assert refusal.value.code == "bad_start"


def test_search_starts_only_from_ones_own_on_the_same_data_set(alice: User, bob: User) -> None:
    version = make_version(alice, each=20)
    others = make_version(alice, each=20)
    for earlier in (earlier_search(bob, version), earlier_search(alice, others)):
        with pytest.raises(UserError, match="of yours on the same dataset"):
            start(alice, version, start_from=earlier)


def test_start_is_a_network_that_was_trained_to_the_end(alice: User) -> None:
    search = earlier_search(alice, make_version(alice, each=20))
    whole = add_trial(search, accuracy=0.85, genome=GENOME, rung=2)
    assert best_network(search) == whole


def test_search_without_a_network_starts_nothing(alice: User) -> None:
    version = make_version(alice, each=20)
    earlier = make_search(alice, version=version, state=Search.State.CANCELLED)
    with pytest.raises(UserError, match="no trained network"):
        start(alice, version, start_from=earlier)


def test_another_pretrained_network_reaches_the_engine_and_the_line_of_choices(alice: User) -> None:
    search = start(alice, make_version(alice, each=20), trunk="efficientnet_lite2")
    assert search_config(search).trunk == "efficientnet_lite2"
    assert "EfficientNet-Lite2" in chosen_words(search)


def test_search_on_one_pretrained_network_does_not_start_from_a_network_on_another(alice: User) -> None:
    version = make_version(alice, each=20)
    earlier = earlier_search(alice, version)
    with pytest.raises(UserError, match=r"another pretrained network.*EfficientNet-Lite0"):
        start(alice, version, space="hybrid", trunk="efficientnet_lite1", start_from=earlier)
