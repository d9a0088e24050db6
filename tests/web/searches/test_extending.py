"""More minutes: a longer budget while a search goes on, and a next round once it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from search_engine.commands import Export, Train
from search_engine.proposing import REPEATS
from search_engine.steps import DoneStep, TrainStep
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
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.searches import services
from webapp.searches.extending import extend_search
from webapp.searches.models import Search, Slot, Trial
from webapp.searches.pausing import pause_search
from webapp.searches.replay import search_config
from webapp.searches.steps import MAX_FAILURES, next_step
from webapp.trained.models import TrainedModel


def finished_search(alice: User, *, max_trials: int = 2, **scenario: object) -> Search:
    """A search that ended with its best network, number 2, finished and tested."""
    search = make_search(alice, max_trials=max_trials)
    run_slot(claimed(search), **scenario)
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED
    return search


def go_on(search: Search, *, max_trials: int, **scenario: object) -> None:
    """Add minutes to a search that is over, and let it come to its next end."""
    Search.objects.filter(pk=search.pk).update(max_trials=None)
    extend_search(search, 2)
    Search.objects.filter(pk=search.pk).update(max_trials=max_trials)
    run_slot(claimed(search), **scenario)
    search.refresh_from_db()


@pytest.mark.parametrize("paused", [False, True])
def test_search_that_goes_on_gets_a_longer_budget(alice: User, enqueued: Enqueued, *, paused: bool) -> None:
    search = running_search(alice, elapsed=30, budget_minutes=2)
    if paused:
        pause_search(search)
    state = search.state
    extend_search(search, 5)
    assert (search.state, search.budget_minutes, search.round) == (state, 7, 0)
    assert services.seconds_left(search) == pytest.approx(390, abs=1)
    assert search_config(search).budget_seconds == 420
    assert log_of(search)[-1] == "5 minutes added."
    assert enqueued == []


def test_search_that_waits_gets_a_longer_budget(alice: User) -> None:
    search = make_search(alice)
    extend_search(search, 0.5)
    assert (search.state, search.budget_minutes) == (Search.State.QUEUED, 2.5)


@pytest.mark.parametrize("minutes", [0, -5, 0.4, float("nan"), float("inf"), 1439])
def test_minutes_that_make_no_sense_are_refused(alice: User, minutes: float) -> None:
    search = running_search(alice)
    with pytest.raises(UserError) as refusal:
        extend_search(search, minutes)
    assert (refusal.value.code, refusal.value.status) == ("bad_budget", 400)
    search.refresh_from_db()
    assert search.budget_minutes == 2


@pytest.mark.parametrize("change", [{"stop_requested": True}, {"phase": Search.Phase.FINISH}])
def test_finishing_is_waited_for(alice: User, change: dict[str, object]) -> None:
    search = running_search(alice)
    Search.objects.filter(pk=search.pk).update(**change)
    with pytest.raises(UserError, match="as soon as that is done"):
        extend_search(search, 5)


def test_failed_search_is_not_continued(alice: User) -> None:
    search = make_search(alice, state=Search.State.FAILED, finished_at=timezone.now())
    with pytest.raises(UserError, match="train again") as refusal:
        extend_search(search, 5)
    assert refusal.value.code == "search_failed"


def test_search_that_tried_all_it_was_to_try_is_not_continued(alice: User) -> None:
    search = finished_search(alice)
    lines = log_of(search)
    with pytest.raises(UserError, match=r"All 2 networks .* Start another search") as refusal:
        extend_search(search, 5)
    assert (refusal.value.code, refusal.value.status) == ("nothing_left", 409)
    search.refresh_from_db()
    assert (search.state, search.round, search.budget_minutes) == (Search.State.FINISHED, 0, 2)
    assert log_of(search) == lines


def test_search_whose_space_is_used_up_is_not_continued(alice: User) -> None:
    search = finished_search(alice)
    last = search.trials.get(number=3)
    for _ in range(REPEATS):
        add_trial(search, vector=last.vector, genome=last.genome, genome_hash=last.genome_hash, repeat_of=3)
    search.trials.filter(kind="ensemble").update(number=100)  # what comes after all networks
    Search.objects.filter(pk=search.pk).update(max_trials=None)
    best = search.trials.order_by("-accuracy", "number")[0]
    TrainedModel.objects.update(trial=best)
    with pytest.raises(UserError, match="tried everything new that it can propose"):
        extend_search(search, 5)


def test_clock_goes_on_where_it_ended(alice: User, enqueued: Enqueued) -> None:
    search = running_search(alice, elapsed=3600, budget_minutes=10, slots=2)
    ended = timezone.now() - timedelta(seconds=3600 - 180)
    Search.objects.filter(pk=search.pk).update(
        state=Search.State.CANCELLED, phase=Search.Phase.DONE, stop_requested=True, finished_at=ended
    )
    Slot.objects.filter(search=search).update(state=Slot.State.DONE)
    extend_search(search, 5)
    # It was stopped after three of its ten minutes: five more are five, and not twelve.
    assert services.seconds_left(search) == pytest.approx(300, abs=1)
    assert search.budget_minutes == pytest.approx(8, abs=0.05)
    assert (search.state, search.phase, search.round) == (Search.State.RUNNING, Search.Phase.PREPARE, 1)
    assert (search.stop_requested, search.finished_at) == (False, None)
    assert len(enqueued) == 2


def test_search_that_was_stopped_before_it_began_begins(alice: User) -> None:
    search = make_search(alice)
    services.stop_search(search)
    extend_search(search, 3)
    assert (search.state, search.phase, search.budget_minutes) == ("queued", "waiting", 3)
    assert services.seconds_left(search) == 180
    run_slot(claimed(search))
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED


def test_better_network_of_the_next_round_is_finished_and_tested_in_it(alice: User) -> None:
    search = finished_search(alice)
    model = TrainedModel.objects.get(search=search)
    assert (model.trial.number, model.state) == (2, "final")
    go_on(search, max_trials=3)
    assert (search.state, search.round) == (Search.State.FINISHED, 1)
    again = TrainedModel.objects.get(search=search)
    assert (again.pk, again.trial.number, again.state) == (model.pk, 6, "final")
    exports = [c for c in commands_of(search) if isinstance(c, Export) and c.final]
    assert [(c.number, c.round) for c in exports] == [(2, 0), (6, 1)]
    trained = [c.number for c in commands_of(search) if isinstance(c, Train)]
    assert trained == [0, 1, 2, 3, 6]  # 4 and 5 finished the first round
    assert log_of(search)[-2].startswith("Done.")


def test_tested_model_is_not_replaced_by_one_that_is_not(alice: User) -> None:
    search = finished_search(alice)
    go_on(search, max_trials=4)
    exports = [c for c in commands_of(search) if isinstance(c, Export)]
    assert [(c.number, c.final) for c in exports if c.round] == [(6, True)]


def test_test_pictures_stay_sealed_if_nothing_better_was_found(alice: User) -> None:
    search = finished_search(alice)
    before = TrainedModel.objects.get(search=search)
    go_on(search, max_trials=2)  # no network fits into this round
    assert search.state == Search.State.FINISHED
    assert TrainedModel.objects.get(search=search).revision == before.revision
    assert not [c for c in commands_of(search) if isinstance(c, Export) and c.round]
    assert "No better network was found" in log_of(search)[-1]


def test_winner_that_was_not_fitted_again_for_lack_of_time_is_evaluated_again(alice: User) -> None:
    search = finished_search(alice)
    model = TrainedModel.objects.get(search=search)
    TrainedModel.objects.update(card=model.card | {"refit_on_validation": False})
    go_on(search, max_trials=2)
    exports = [c for c in commands_of(search) if isinstance(c, Export) and c.round]
    assert [(c.number, c.parts[0]["weights"], c.round) for c in exports] == [(2, 5, 1)]


def test_round_whose_best_cannot_be_finished_keeps_the_tested_model(alice: User) -> None:
    search = finished_search(alice)
    before = TrainedModel.objects.get(search=search)
    go_on(search, max_trials=3, fail={"final 6": "The disk is full."})
    model = TrainedModel.objects.get(search=search)
    assert (search.state, model.trial.number, model.state) == (Search.State.FINISHED, 2, "final")
    assert model.revision == before.revision
    assert "could not be finished" in log_of(search)[-1]


def test_what_the_end_cut_short_is_trained_in_the_next_round(alice: User) -> None:
    search = running_search(alice, max_trials=1)
    add_trial(search)
    add_trial(search, state="cancelled", attempts=1, finished_at=timezone.now())
    Search.objects.filter(pk=search.pk).update(state=Search.State.CANCELLED, finished_at=timezone.now())
    extend_search(search, 2)
    cut = search.trials.get(number=1)
    assert (cut.state, cut.attempts, cut.finished_at) == (Trial.State.QUEUED, 0, None)
    step = next_step(claimed(search), prepared=True)
    assert isinstance(step, TrainStep)
    assert step.number == 1


def test_failures_before_the_end_do_not_end_the_next_round(alice: User) -> None:
    search = running_search(alice, max_trials=None, budget_minutes=60)
    add_trial(search)
    add_trial(search)
    for _ in range(MAX_FAILURES):
        add_trial(search, state="failed", error="The disk is full.", finished_at=timezone.now())
    make_model(alice, search=search)
    TrainedModel.objects.update(trial=search.trials.get(number=1))
    Search.objects.filter(pk=search.pk).update(state=Search.State.FINISHED, finished_at=timezone.now())
    extend_search(search, 60)
    assert isinstance(next_step(claimed(search), prepared=True), TrainStep)


def test_model_that_was_never_tested_goes_on_improving(alice: User) -> None:
    search = running_search(alice, max_trials=3, elapsed=5)
    for _ in range(3):
        add_trial(search)
    make_model(alice, search=search, final=False)
    earlier = timezone.now() - timedelta(minutes=5)
    TrainedModel.objects.update(trial=search.trials.get(number=1), updated_at=earlier)
    Search.objects.filter(pk=search.pk).update(state=Search.State.FINISHED, finished_at=timezone.now())
    extend_search(search, 2)
    step = next_step(claimed(search), prepared=True)
    assert not isinstance(step, DoneStep)
    assert (getattr(step, "number", None), getattr(step, "final", None)) == (2, False)
