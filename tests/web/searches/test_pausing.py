"""A pause holds through everything, costs no time and no attempt, and no trial is trained twice for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from search_engine.commands import Train
from tests.web.searches.making import (
    Enqueued,
    add_trial,
    claimed,
    commands_of,
    log_of,
    make_search,
    run_slot,
    running_search,
)
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.searches import files, services
from webapp.searches.claims import ClaimLost, claim_slot
from webapp.searches.models import Epoch, Search, Slot, Trial
from webapp.searches.pausing import pause_search, resume_search
from webapp.searches.recovery import requeue_lost
from webapp.searches.slot import SlotRunner
from webapp.searches.steps import next_step
from webapp.trained.models import TrainedModel


def let_time_pass(search: Search, seconds: float) -> None:
    """As if everything had happened so much earlier."""
    search.refresh_from_db()
    for name in ("started_at", "paused_at", "finished_at"):
        at = getattr(search, name)
        if at is not None:
            setattr(search, name, at - timedelta(seconds=seconds))
    search.save()


def test_running_trial_waits_again_as_if_it_had_never_begun(alice: User) -> None:
    search = running_search(alice, slots=2)
    slot = claimed(search)
    trial = add_trial(search, state="running", slot=slot, attempts=2)
    trial.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.2, seconds=1.0)
    done = add_trial(search)
    pause_search(search)
    assert (search.state, search.progress) == (Search.State.PAUSED, {})
    trial.refresh_from_db()
    assert (trial.state, trial.slot, trial.attempts) == (Trial.State.QUEUED, None, 1)
    assert not Epoch.objects.exists()
    done.refresh_from_db()
    assert done.state == Trial.State.FINISHED
    assert set(search.slots.values_list("state", "claim", "doing")) == {(Slot.State.DONE, "", "")}


def test_slot_of_a_paused_search_may_do_nothing_more(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    pause_search(search)
    with pytest.raises(ClaimLost):
        next_step(slot, prepared=True)
    assert claim_slot(slot.pk) is None
    assert not search.trials.exists()


@pytest.mark.parametrize("paused_first", [False, True])
def test_clock_stands_still_while_paused(alice: User, *, paused_first: bool) -> None:
    search = running_search(alice, elapsed=50, budget_minutes=2)
    if paused_first:
        Search.objects.filter(pk=search.pk).update(paused_seconds=20.0)
        search.refresh_from_db()
    left = 90 if paused_first else 70
    pause_search(search)
    assert services.seconds_left(search) == pytest.approx(left, abs=1)
    let_time_pass(search, 3600)
    assert services.seconds_left(search) == pytest.approx(left, abs=1)
    resume_search(search)
    assert services.seconds_left(search) == pytest.approx(left, abs=1)
    assert (search.state, search.paused_at) == (Search.State.RUNNING, None)


def test_resume_sends_every_slot_once_and_forgives_its_losses(alice: User, enqueued: Enqueued) -> None:
    search = running_search(alice, slots=2)
    Slot.objects.filter(search=search).update(attempts=4)
    pause_search(search)
    resume_search(search)
    assert enqueued == [("run_slot", (slot.pk,)) for slot in search.slots.all()]
    assert set(search.slots.values_list("state", "attempts")) == {(Slot.State.QUEUED, 0)}
    resume_search(search)
    assert len(enqueued) == 2
    assert [line for line in log_of(search) if line == "Resumed."] == ["Resumed."]


def test_asking_twice_for_a_pause_is_asking_once(alice: User) -> None:
    search = running_search(alice)
    pause_search(search)
    before = search.paused_at
    let_time_pass(search, 0)
    pause_search(search)
    assert search.paused_at == before
    assert len(log_of(search)) == 1


def test_beat_neither_ends_nor_revives_a_paused_search(alice: User, enqueued: Enqueued) -> None:
    search = running_search(alice)
    slot = claimed(search)
    Slot.objects.filter(pk=slot.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    pause_search(search)
    let_time_pass(search, 7200)
    requeue_lost()
    search.refresh_from_db()
    assert search.state == Search.State.PAUSED
    assert enqueued == []


def test_search_that_waits_can_be_paused_and_waits_again(alice: User, enqueued: Enqueued) -> None:
    search = make_search(alice)
    pause_search(search)
    let_time_pass(search, 3600)
    assert services.seconds_left(search) == 120
    resume_search(search)
    assert (search.state, search.paused_seconds) == (Search.State.QUEUED, 0.0)
    assert len(enqueued) == 1


def test_stop_of_a_paused_search_finishes_the_best(alice: User, enqueued: Enqueued) -> None:
    search = running_search(alice)
    add_trial(search)
    add_trial(search)
    pause_search(search)
    services.stop_search(search)
    assert (search.state, search.stop_requested, search.paused_at) == (Search.State.RUNNING, True, None)
    run_slot(claimed(search))
    search.refresh_from_db()
    assert search.state == Search.State.CANCELLED
    assert TrainedModel.objects.get(search=search).state == "final"
    assert not any(isinstance(command, Train) for command in commands_of(search))


def test_stop_of_a_search_that_was_paused_before_it_began_cancels_it(alice: User, enqueued: Enqueued) -> None:
    search = make_search(alice)
    pause_search(search)
    services.stop_search(search)
    assert (search.state, search.paused_at) == (Search.State.CANCELLED, None)
    assert enqueued == []


@pytest.mark.parametrize("state", ["finished", "cancelled", "failed"])
@pytest.mark.parametrize("move", [pause_search, resume_search])
def test_search_that_is_over_is_left_alone(alice: User, state: str, move: Callable[[Search], None]) -> None:
    search = make_search(alice, state=state, finished_at=timezone.now())
    with pytest.raises(UserError, match="is over") as refusal:
        move(search)
    assert (refusal.value.code, refusal.value.status) == ("search_over", 409)


@pytest.mark.parametrize("change", [{"stop_requested": True}, {"phase": Search.Phase.FINISH}])
def test_finishing_cannot_be_paused(alice: User, change: dict[str, object]) -> None:
    search = running_search(alice)
    Search.objects.filter(pk=search.pk).update(**change)
    with pytest.raises(UserError, match="being finished") as refusal:
        pause_search(search)
    assert refusal.value.status == 409
    search.refresh_from_db()
    assert search.state == Search.State.RUNNING


@pytest.mark.parametrize("step", ["measure", "prepare", "train 3"])
def test_pause_ends_the_slot_at_once_whatever_it_does_and_resume_finishes(
    alice: User, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    search = make_search(alice, max_trials=3)
    pause_when(search, f"hangs at {step}", monkeypatch)
    run_slot(claimed(search), hang=[step])
    search.refresh_from_db()
    assert search.state == Search.State.PAUSED
    assert not search.trials.filter(state=Trial.State.RUNNING).exists()
    monkeypatch.undo()
    resume_search(search)
    run_slot(claimed(search))
    search.refresh_from_db()
    assert (search.state, search.trials.count()) == (Search.State.FINISHED, 7)
    assert set(search.trials.values_list("state", "attempts")) == {(Trial.State.FINISHED, 1)}
    trained = [command.number for command in commands_of(search) if isinstance(command, Train)]
    again = [3] if step == "train 3" else []  # it was cut short, so it began anew
    assert sorted(trained) == sorted([0, 1, 2, 3, 4, *again])


def test_model_can_be_used_during_a_pause(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(alice, max_trials=3)
    pause_when(search, "hangs at train 2", monkeypatch)
    run_slot(claimed(search), hang=["train 2"])
    model = TrainedModel.objects.get(search=search)
    assert model.state == "provisional"
    assert (model.bundle_path / "model.onnx").exists()


def pause_when(search: Search, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have somebody pause as soon as the engine has left a sign."""
    look = SlotRunner._stop_wanted

    def look_after_pausing(self: SlotRunner) -> bool:
        fresh = Search.objects.get(pk=search.pk)
        if (files.run_folder(search.pk) / sign).exists() and not fresh.is_paused:
            pause_search(fresh)
        return look(self)

    monkeypatch.setattr("webapp.searches.slot.SlotRunner._stop_wanted", look_after_pausing)
