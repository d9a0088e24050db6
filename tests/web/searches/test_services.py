"""Starting, stopping and deleting a search."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.web.factories import make_version
from tests.web.searches.making import Enqueued, add_trial, claimed, log_of, make_search, running_search
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets.models import Dataset
from webapp.searches import files, services
from webapp.searches.models import Search, Slot
from webapp.searches.sweeping import remove_orphans


def test_start_makes_a_slot_a_core_and_enqueues_them(
    alice: User, enqueued: Enqueued, settings: object
) -> None:
    settings.SLOTS = 3  # type: ignore[attr-defined]
    version = make_version(alice, each=20)
    search = services.start_search(owner=alice, version=version, budget_minutes=2, seed=7)
    assert (search.state, search.phase, search.seed, search.slot_count) == ("queued", "waiting", 7, 3)
    assert enqueued == [("run_slot", (slot.pk,)) for slot in search.slots.all()]
    assert services.seconds_left(search) == 120
    assert "2 minutes" in log_of(search)[0]


@pytest.mark.parametrize(
    ("labels", "each", "code"),
    [
        (("cat",), 30, "too_few_labels"),
        ((), 0, "too_few_labels"),
        (("cat", "dog"), 5, "too_few_pictures"),
    ],
)
def test_start_refuses_pictures_that_nothing_can_be_learned_from(
    alice: User, enqueued: Enqueued, labels: tuple[str, ...], each: int, code: str
) -> None:
    version = make_version(alice, labels=labels, each=each)
    with pytest.raises(UserError) as refusal:
        services.start_search(owner=alice, version=version, budget_minutes=2)
    assert refusal.value.code == code
    assert "dd " in refusal.value.message  # "add ..."
    assert not Search.objects.exists()
    assert enqueued == []


def test_start_names_the_label_that_has_no_training_picture(alice: User) -> None:
    version = make_version(alice, labels=("cat", "dog", "rare"), each=20)
    version.dataset.images.filter(labels__name="rare").update(split="test")
    with pytest.raises(UserError, match="“rare”") as refusal:
        services.start_search(owner=alice, version=version, budget_minutes=2)
    assert refusal.value.code == "label_without_pictures"


def test_start_waits_for_an_import(alice: User) -> None:
    version = make_version(alice, each=20)
    version.dataset.state = Dataset.State.IMPORTING
    with pytest.raises(UserError, match="Wait") as refusal:
        services.start_search(owner=alice, version=version, budget_minutes=2)
    assert refusal.value.status == 409


def test_start_without_any_picture_says_so(alice: User) -> None:
    with pytest.raises(UserError, match="no pictures yet"):
        services.start_search(owner=alice, version=None, budget_minutes=2)


@pytest.mark.parametrize("minutes", [0, 0.4, -1, 1441, float("nan"), float("inf")])
def test_start_refuses_a_budget_that_makes_no_sense(alice: User, minutes: float) -> None:
    with pytest.raises(UserError) as refusal:
        services.start_search(owner=alice, version=make_version(alice, each=20), budget_minutes=minutes)
    assert refusal.value.code == "bad_budget"


def test_stop_before_the_start_cancels_at_once(alice: User) -> None:
    search = make_search(alice, slots=2)
    services.stop_search(search)
    assert (search.state, search.phase) == ("cancelled", "done")
    assert set(search.slots.values_list("state", flat=True)) == {Slot.State.DONE}


def test_stop_while_running_is_a_flag_and_twice_is_once(alice: User) -> None:
    search = running_search(alice)
    services.stop_search(search)
    services.stop_search(search)
    assert (search.state, search.stop_requested) == ("running", True)
    assert len(log_of(search)) == 1


def test_stop_while_finishing_changes_nothing(alice: User) -> None:
    search = running_search(alice)
    Search.objects.filter(pk=search.pk).update(phase=Search.Phase.FINISH)
    services.stop_search(search)
    assert not search.stop_requested


def test_stop_of_a_finished_search_changes_nothing(alice: User) -> None:
    search = make_search(alice, state=Search.State.FINISHED)
    services.stop_search(search)
    assert (search.state, search.stop_requested) == ("finished", False)


def test_budget_runs_down_while_the_search_runs(alice: User) -> None:
    search = running_search(alice, elapsed=50, budget_minutes=2)
    assert 65 < services.seconds_left(search) <= 70
    search = running_search(alice, version=search.version, elapsed=500, budget_minutes=2)
    assert services.seconds_left(search) == 0


@pytest.mark.django_db(transaction=True)
def test_delete_removes_rows_and_files_of_this_search_only(alice: User) -> None:
    search, other = make_search(alice), make_search(alice, version=make_version(alice, labels=("a", "b")))
    for each in (search, other):
        add_trial(each)
        (files.model_folder(each.pk) / "1").mkdir(parents=True)
        files.run_folder(each.pk).mkdir(parents=True)
    pk = search.pk
    services.delete_search(search)
    assert not files.model_folder(pk).exists()
    assert not files.run_folder(pk).exists()
    assert (files.model_folder(other.pk) / "1").is_dir()
    assert Search.objects.get() == other


@pytest.mark.django_db(transaction=True)
def test_delete_succeeds_while_a_worker_still_writes(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    search = running_search(alice)
    files.run_folder(search.pk).mkdir(parents=True)
    (files.model_folder(search.pk) / "1").mkdir(parents=True)
    remove = shutil.rmtree

    def not_empty(path: Path) -> None:
        if path.parent.name == "searches":
            raise OSError(39, "Directory not empty")
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", not_empty)
    pk = search.pk
    services.delete_search(search)
    assert not Search.objects.exists()
    assert not files.model_folder(pk).exists()


def test_delete_outside_the_models_folder_is_refused() -> None:
    files.models_root().mkdir(parents=True)
    outside = files.data_dir() / "precious"
    outside.touch()
    with pytest.raises(ValueError, match="nothing was deleted"):
        files.remove_below(files.models_root(), files.models_root() / ".." / "precious")
    with pytest.raises(ValueError, match="nothing was deleted"):
        files.remove_below(files.models_root(), files.models_root())
    assert outside.exists()


def test_sweep_removes_what_deleted_searches_left(alice: User) -> None:
    search = make_search(alice)
    for pk in (search.pk, search.pk + 1):
        files.run_folder(pk).mkdir(parents=True)
    assert remove_orphans() == 1
    assert files.run_folder(search.pk).is_dir()
    assert not files.run_folder(search.pk + 1).exists()


def test_only_one_of_two_workers_gets_a_slot(alice: User) -> None:
    search = make_search(alice)
    slot = claimed(search)
    assert slot.attempts == 1
    from webapp.searches.claims import claim_slot

    assert claim_slot(slot.pk) is None
