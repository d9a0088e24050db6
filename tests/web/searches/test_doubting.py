"""A look at the labels when a search is over: opinions on the pictures, and never at the model's cost."""

from __future__ import annotations

from typing import Any

import pytest

from search_engine.commands import Doubt, Export
from search_engine.reserve import DOUBT_MOST
from tests.web.searches.making import claimed, commands_of, log_of, make_search, run_slot
from webapp.accounts.models import User
from webapp.datasets.models import Finding, Opinion
from webapp.searches import doubting, files
from webapp.searches.models import Search
from webapp.trained.models import TrainedModel


def test_a_search_ends_with_opinions_on_all_its_pictures(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), suspected=4)
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED
    assert Opinion.objects.filter(dataset=search.version.dataset, search_id=search.pk).count() == 20
    finding = Finding.objects.get(dataset=search.version.dataset)
    assert finding.message.startswith("About 4 of 20 labels look wrong")
    assert log_of(search)[-1] == "Looked at the labels of 20 pictures: 4 look wrong. See the model's page."


def test_the_engine_is_asked_once_the_model_is_there_and_about_the_models_networks(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), ensemble=True)
    *_, final, last = commands_of(search)
    assert isinstance(final, Export)
    assert isinstance(last, Doubt)
    assert last.parts == final.parts
    assert 0 < last.seconds < search.budget_minutes * 60
    assert "none looks wrong" in log_of(search)[-1]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"fail": {"doubt": "There are too few pictures."}}, "There are too few pictures."),
        ({"die": ["doubt"]}, "ran out of memory"),
        ({"deaf": ["doubt"]}, "did not answer any more"),
    ],
)
def test_whatever_goes_wrong_is_a_line_of_the_log(
    alice: User, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any], said: str
) -> None:
    if "deaf" in trouble:
        monkeypatch.setattr(doubting, "GRACE_SECONDS", 0.5 - DOUBT_MOST)
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), **trouble)
    search.refresh_from_db()
    assert (search.state, search.error) == (Search.State.FINISHED, "")
    assert TrainedModel.objects.get(search=search).state == "final"
    assert log_of(search)[-1].startswith("The labels were not looked at.")
    assert said in log_of(search)[-1]
    assert not Opinion.objects.exists()


def test_what_nobody_can_say_of_such_pictures_is_no_warning(alice: User) -> None:
    search = make_search(alice, max_trials=1)
    run_slot(claimed(search), fail={"doubt": "There are too few pictures."}, kind="settings")
    newest = search.log_lines.order_by("-id").first()
    assert newest is not None
    assert (newest.level, newest.text.endswith("There are too few pictures.")) == ("info", True)


def test_a_damaged_file_leaves_the_opinions_from_before(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_search(alice, max_trials=1)
    run_slot(claimed(first), suspected=2)

    def damaged(*_: object) -> object:
        raise ValueError("Line 3 of opinions.jsonl is damaged: it ends.")

    monkeypatch.setattr(doubting, "read_opinions", damaged)
    second = make_search(alice, version=first.version, max_trials=1)
    run_slot(claimed(second), suspected=4)
    assert set(Opinion.objects.values_list("search_id", flat=True)) == {first.pk}
    assert "Line 3 of opinions.jsonl is damaged" in log_of(second)[-1]
    second.refresh_from_db()
    assert second.state == Search.State.FINISHED


def test_the_file_lies_in_the_folder_of_the_search(alice: User) -> None:
    search = make_search(alice, max_trials=1)
    run_slot(claimed(search))
    assert (files.run_folder(search.pk) / doubting.OPINIONS).exists()
