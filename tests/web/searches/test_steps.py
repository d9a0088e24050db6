"""What a slot is told to do next, and that it is on record before the work begins."""

from __future__ import annotations

import pytest

from search_engine.space.architecture import Genome
from search_engine.steps import DoneStep, ExportStep, Part, TrainStep, WaitStep
from tests.web.searches.making import PLAN, add_trial, claimed, log_of, make_search, running_search
from webapp.accounts.models import User
from webapp.searches.claims import ClaimLost
from webapp.searches.models import Search, Slot, Trial
from webapp.searches.steps import MAX_FAILURES, MeasureStep, PrepareStep, next_step
from webapp.trained.models import TrainedModel


def test_first_slot_measures_and_starts_the_clock_while_others_wait(alice: User) -> None:
    search = make_search(alice, slots=2, budget_minutes=2)
    first, second = claimed(search, 0), claimed(search, 1)
    step = next_step(first, prepared=False)
    assert isinstance(step, MeasureStep)
    assert step.config.budget_seconds == 120
    assert step.config.slots == 2
    assert isinstance(next_step(second, prepared=False), WaitStep)
    search.refresh_from_db()
    assert (search.state, search.phase) == ("running", "measure")
    assert search.started_at
    first.refresh_from_db()
    assert first.doing == "measure"


def test_measuring_is_done_by_another_when_the_first_is_lost(alice: User) -> None:
    search = make_search(alice, slots=2)
    first, second = claimed(search, 0), claimed(search, 1)
    next_step(first, prepared=False)
    started = Search.objects.get(pk=search.pk).started_at
    Slot.objects.filter(pk=first.pk).update(state=Slot.State.QUEUED, claim="", doing="")
    assert isinstance(next_step(second, prepared=False), MeasureStep)
    assert Search.objects.get(pk=search.pk).started_at == started


def test_fresh_engine_prepares_before_it_trains(alice: User) -> None:
    slot = claimed(running_search(alice))
    assert next_step(slot, prepared=False) == PrepareStep(PLAN, stoppable=True)
    assert not Trial.objects.exists()


def test_two_slots_never_get_the_same_trial(alice: User) -> None:
    search = running_search(alice, slots=2)
    steps = [next_step(claimed(search, index), prepared=True) for index in (0, 1)]
    assert [step.number for step in steps if isinstance(step, TrainStep)] == [0, 1]
    trials = list(search.trials.values_list("number", "kind", "state", "slot__index", "attempts"))
    assert trials == [(0, "majority", "running", 0, 1), (1, "linear_probe", "running", 1, 1)]


def test_network_is_written_down_with_its_genome(alice: User) -> None:
    search = running_search(alice)
    add_trial(search)
    add_trial(search)
    publish(search, number=1)
    step = next_step(claimed(search), prepared=True)
    assert isinstance(step, TrainStep)
    search.refresh_from_db()
    assert search.progress["text"] == "Trying: Network 2"
    trial = search.trials.get(number=2)
    assert trial.kind == Trial.Kind.NETWORK
    assert trial.genome
    assert Genome.from_dict(trial.genome) == step.genome
    assert trial.genome_hash == step.key != ""
    assert tuple(trial.vector) == step.vector


def test_second_start_of_a_trial_forgets_the_epochs_of_the_first(alice: User) -> None:
    search = running_search(alice)
    lost = add_trial(search, state="queued", attempts=1)
    lost.epoch_rows.create(number=1, train_loss=1.0, accuracy=0.2, seconds=1.0)
    step = next_step(claimed(search), prepared=True)
    assert isinstance(step, TrainStep)
    assert step.number == 0
    lost.refresh_from_db()
    assert (lost.state, lost.attempts, lost.epoch_rows.count()) == ("running", 2, 0)


def test_provisional_export_blocks_another_but_not_training(alice: User) -> None:
    search = running_search(alice, slots=2)
    add_trial(search)
    add_trial(search)
    first, second = claimed(search, 0), claimed(search, 1)
    assert next_step(first, prepared=True) == ExportStep(number=1, final=False, parts=(Part(1, 1),))
    first.refresh_from_db()
    assert first.doing == "export 1"
    assert isinstance(next_step(second, prepared=True), TrainStep)


def test_time_up_waits_for_running_trials_then_finishes_the_best(alice: User) -> None:
    search = running_search(alice, slots=2, elapsed=119)
    add_trial(search)
    add_trial(search)
    running = add_trial(search, state="running", genome_hash="0123456789abcdef")
    slot = claimed(search)
    assert isinstance(next_step(slot, prepared=True), WaitStep)
    Trial.objects.filter(pk=running.pk).update(state="finished", accuracy=0.9, seconds=1.0)
    step = next_step(slot, prepared=True)
    assert isinstance(step, TrainStep)
    assert (step.kind, step.rivals) == ("ensemble", (2, 1))
    search.refresh_from_db()
    assert search.phase == Search.Phase.FINISH
    assert any("Time is up" in line for line in log_of(search))


def test_stop_leads_to_the_final_export_and_its_preparing_cannot_be_stopped(alice: User) -> None:
    search = running_search(alice, stop_requested=True)
    add_trial(search)
    add_trial(search)
    slot = claimed(search)
    assert next_step(slot, prepared=False) == PrepareStep(PLAN, stoppable=False)
    assert next_step(slot, prepared=True) == ExportStep(number=1, final=True, parts=(Part(1, 1),))


def test_search_in_which_every_network_fails_ends_early_with_the_best_before(alice: User) -> None:
    search = running_search(alice, max_trials=None, budget_minutes=60)
    add_trial(search)
    add_trial(search)
    publish(search, number=1)
    for _ in range(MAX_FAILURES):
        slot = search.slots.get()
        step = next_step(slot if slot.claim else claimed(search), prepared=True)
        assert isinstance(step, TrainStep)
        search.trials.filter(number=step.number).update(state="failed", error="The disk is full.")
    assert next_step(search.slots.get(), prepared=True) == ExportStep(
        number=1, final=True, parts=(Part(1, 1),)
    )
    assert any("networks all failed" in line for line in log_of(search))


def test_search_that_is_over_needs_no_slot(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    Search.objects.filter(pk=search.pk).update(state=Search.State.CANCELLED)
    assert isinstance(next_step(slot, prepared=True), DoneStep)


def test_lost_claim_gets_no_step(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    Slot.objects.filter(pk=slot.pk).update(claim="another")
    with pytest.raises(ClaimLost):
        next_step(slot, prepared=True)
    assert not search.trials.exists()


def test_deleted_search_ends_its_slots(alice: User) -> None:
    search = running_search(alice)
    slot = claimed(search)
    Search.objects.get(pk=search.pk).delete()
    with pytest.raises(ClaimLost):
        next_step(slot, prepared=True)


def publish(search: Search, *, number: int) -> None:
    TrainedModel.objects.create(
        owner=search.owner,
        search=search,
        trial=search.trials.get(number=number),
        name="model",
        bundle=f"models/{search.pk}/1",
        labels=["green", "red"],
    )
