"""The form that starts a search."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.web.factories import make_dataset, make_version
from tests.web.pages.reading import read, words
from tests.web.searches.making import GENOME, add_trial, make_search
from webapp.accounts.models import User
from webapp.datasets.models import DatasetVersion
from webapp.searches.choices import (
    FIDELITY_WORDS,
    SPACE_WORDS,
    STRATEGY_WORDS,
    Words,
    fidelities,
    spaces,
    strategies,
)
from webapp.searches.models import Search


def test_it_offers_budgets(alice_client: Client, alice: User) -> None:
    version = make_version(alice)
    text = read(alice_client, f"/datasets/{version.dataset_id}/train/")
    for words_ in ("Quick look 2 min", "Good 10 min", "Best 1 hour", "Other Minutes", "Start training"):
        assert words_ in text
    assert "20 pictures with 2 labels" in text


@pytest.mark.parametrize(
    ("form", "minutes", "seed"),
    [
        ({"budget": "10"}, 10, 0),
        ({"budget": "other", "minutes": "3.5", "seed": "7"}, 3.5, 7),
        ({"budget": "2", "minutes": "99"}, 2, 0),
    ],
)
def test_it_starts_a_search(
    alice_client: Client, alice: User, form: dict[str, str], minutes: float, seed: int
) -> None:
    version = make_version(alice)
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    search = Search.objects.get()
    assert answer.headers["Location"] == f"/searches/{search.pk}/"
    assert (search.budget_minutes, search.seed, search.version) == (minutes, seed, version)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"budget": "other"}, "Say how many minutes the search may take."),
        ({"budget": "other", "minutes": "0.1"}, "The budget must be between half a minute"),
    ],
)
def test_it_refuses_odd_budgets(
    alice_client: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    version = make_version(alice)
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert not Search.objects.exists()


def test_it_says_what_the_pictures_lack(alice_client: Client, alice: User) -> None:
    version = make_version(alice, labels=("only",))
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", {"budget": "2"})
    assert "it needs at least two" in words(answer)


def test_it_sends_back_who_has_no_pictures(alice_client: Client, alice: User) -> None:
    dataset = make_dataset(alice)
    assert "There are no pictures to learn from yet" in read(alice_client, f"/datasets/{dataset.pk}/train/")


def test_stranger_gets_404(charlie_client: Client, alice: User) -> None:
    version = make_version(alice)
    assert charlie_client.get(f"/datasets/{version.dataset_id}/train/").status_code == 404
    assert charlie_client.post(f"/datasets/{version.dataset_id}/train/", {"budget": "2"}).status_code == 404


def test_every_choice_has_a_plain_sentence(alice_client: Client, alice: User) -> None:
    text = read(alice_client, f"/datasets/{make_version(alice).dataset_id}/train/")
    for words_ in (*STRATEGY_WORDS.values(), *SPACE_WORDS.values(), *FIDELITY_WORDS.values()):
        if words_ in offered_words():
            assert f"{words_.title} {words_.text}" in text
    assert "Milliseconds a picture, at most How long the network may take on this machine" in text
    assert "Million parameters, at most How many numbers it may hold" in text
    assert "Start from" not in text  # nothing was searched yet


def test_defaults_are_ticked(alice_client: Client, alice: User) -> None:
    page = alice_client.get(f"/datasets/{make_version(alice).dataset_id}/train/").content.decode()
    ticked = re.findall(r'name="(\w+)" id="[\w-]+" value="(\w+)" checked', page)
    assert ticked == [
        ("budget", "10"),
        ("strategy", "auto"),
        ("space", "auto"),
        ("fidelity", "full"),
        ("objective", "accuracy"),
        ("trunk", "efficientnet_lite0"),
        ("saving", "epochs"),
    ]
    assert '<details class="mb-4" id="advanced">' in page  # the simple page stays simple
    assert '<details id="expert">' in page


def test_choices_are_passed_on(alice_client: Client, alice: User) -> None:
    version = make_version(alice)
    earlier = trained_search(alice, version, space="cells")
    form = {
        "budget": "2",
        "strategy": "local",
        "space": "cells",
        "fidelity": "halving",
        "max_latency_ms": "12.5",
        "max_millions": "0.75",
        "start_from": str(earlier.pk),
    }
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    assert answer.status_code == 302, words(answer)
    search = Search.objects.exclude(pk=earlier.pk).get()
    assert (search.strategy, search.space, search.fidelity) == ("local", "cells", "halving")
    assert (search.max_latency_ms, search.max_parameters) == (12.5, 750_000)
    assert (search.start_from, search.start) == (earlier, GENOME)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "Step by step · Cells, from scratch · Short first, in rounds · at most 12.5 ms a picture" in text


def test_what_experts_choose_is_passed_on(alice_client: Client, alice: User) -> None:
    form = {
        "budget": "2",
        "objective": "mnasnet",
        "max_latency_ms": "8",
        "saving": "pictures",
        "random_percent": "25",
        "prefilter": "on",
        "whole": "on",
        "alone": "on",
    }
    answer = alice_client.post(f"/datasets/{make_version(alice).dataset_id}/train/", form)
    assert answer.status_code == 302, words(answer)
    search = Search.objects.get()
    assert (search.objective, search.saving, search.random_share) == ("mnasnet", "pictures", 0.25)
    assert (search.prefilter, search.early_stop, search.ensemble) == (True, False, False)
    assert "Being right, and fast · aims at 8 ms a picture" in read(alice_client, f"/searches/{search.pk}/")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"objective": "mnasnet"}, "needs a latency to aim at"),
        ({"random_percent": "120"}, "less than or equal to 100"),
        ({"prefilter": "on", "fidelity": "asha"}, "goes with full training only"),
        ({"saving": "resolution"}, "Save epochs or pictures"),
    ],
)
def test_what_experts_choose_wrongly_is_shown_to_them(
    alice_client: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    url = f"/datasets/{make_version(alice).dataset_id}/train/"
    answer = alice_client.post(url, {"budget": "2", "objective": "accuracy", "saving": "epochs", **form})
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert '<details id="expert" open>' in answer.content.decode()
    assert not Search.objects.exists()


def test_usual_choices_of_experts_stay_folded_away(alice_client: Client, alice: User) -> None:
    url = f"/datasets/{make_version(alice).dataset_id}/train/"
    answer = alice_client.post(url, {"budget": "other", "objective": "accuracy", "saving": "epochs"})
    assert answer.status_code == 400
    assert '<details id="expert">' in answer.content.decode()


def test_earlier_searches_are_offered_with_what_they_reached(
    alice_client: Client, alice: User, bob: User
) -> None:
    version = make_version(alice)
    trained_search(alice, version)
    trained_search(bob, version)
    trained_search(alice, make_version(alice))
    page = alice_client.get(f"/datasets/{version.dataset_id}/train/").content.decode()
    [(space, label)] = re.findall(r'<option value="\d+" data-space="(\w+)">(.*?)</option>', page)
    assert space == "hybrid"
    assert label.endswith(": 91.2% right, on top of a pretrained network")


def test_search_of_another_kind_is_refused_and_the_choices_stay(alice_client: Client, alice: User) -> None:
    version = make_version(alice)
    earlier = trained_search(alice, version)
    form = {"budget": "2", "space": "macro", "start_from": str(earlier.pk)}
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", form)
    assert answer.status_code == 400
    assert "is of another kind" in words(answer)
    page = answer.content.decode()
    assert 'id="space-macro" value="macro" checked' in page
    assert '<details class="mb-4" id="advanced" open>' in page


@pytest.mark.parametrize(
    "form",
    [
        {"strategy": "magic"},
        {"max_latency_ms": "soon"},
        {"max_millions": "1", "space": "hybrid"},
        {"start_from": "999999"},
    ],
)
def test_it_refuses_odd_choices(alice_client: Client, alice: User, form: dict[str, str]) -> None:
    version = make_version(alice)
    trained_search(alice, version)
    answer = alice_client.post(f"/datasets/{version.dataset_id}/train/", {"budget": "2", **form})
    assert answer.status_code == 400
    assert Search.objects.count() == 1


def offered_words() -> list[Words]:
    return [*strategies().values(), *spaces().values(), *fidelities().values()]


def trained_search(owner: User, version: DatasetVersion, **values: Any) -> Search:
    """A finished search whose best network is right on 91.2 of 100."""
    search = make_search(owner, version=version, state=Search.State.FINISHED, **values)
    for accuracy in (0.4, 0.95, 0.9, 0.912):
        add_trial(search, accuracy=accuracy, genome=GENOME)
    return search
