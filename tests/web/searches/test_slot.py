"""A slot with a real process beside it: what becomes of a search when the engine works, fails or dies."""

from __future__ import annotations

from random import Random

import pytest

from search_engine.commands import Export, Open, Prepare, Supernet, Train
from search_engine.config import SearchConfig
from search_engine.evaluate.bootstrap import unpack_bits
from search_engine.proposing import space_of
from search_engine.space.architecture import Genome
from tests.web.searches.making import (
    PLAN,
    add_trial,
    claimed,
    commands_of,
    log_of,
    make_search,
    run_slot,
    running_search,
)
from webapp.accounts.models import User
from webapp.searches import files
from webapp.searches.models import Search, Slot, Trial
from webapp.trained.models import TrainedModel


def test_it_runs_a_search_from_the_first_measurement_to_the_finished_model(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search))

    search.refresh_from_db()
    assert (search.state, search.phase, search.error) == ("finished", "done", "")
    assert search.finished_at
    trials = list(search.trials.all())
    networks = ["network", "network", "network"]
    assert [t.kind for t in trials] == ["majority", "linear_probe", *networks, "ensemble", "refit"]
    assert {t.state for t in trials} == {"finished"}
    together, refit = trials.pop(-2), trials.pop(-1)
    assert (together.members, together.accuracy, refit.parent_number) == ([[4, 1.0]], None, 4)
    assert [t.accuracy for t in trials] == [0.34, 0.80, 0.85, 0.83, 0.91]
    assert [round(unpack_bits(t.right).mean(), 2) for t in trials] == [0.34, 0.80, 0.85, 0.83, 0.91]
    assert trials[4].epoch_rows.count() == 2
    model = TrainedModel.objects.get(search=search)
    assert model.state == "final"
    assert model.trial.number == 4
    assert model.test_accuracy == 0.9
    assert (model.bundle_path / "model.onnx").read_bytes() == b"weights"
    assert search.slots.get().state == Slot.State.DONE


def test_the_log_tells_that_mirrored_pictures_lose_their_labels(alice: User) -> None:
    search = make_search(alice, max_trials=1)
    found = {"pictures": 100, "before": 94, "after": 80, "errors": 3.1}
    run_slot(claimed(search), invariances={"mirror": found})
    assert any("on 80 mirrored. So networks do not learn from mirrored" in line for line in log_of(search))


def test_networks_that_are_better_together_become_one_model(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), ensemble=True)
    together = search.trials.get(kind="ensemble")
    assert [number for number, _ in together.members] == [4, 2, 3, 1]
    assert set(search.trials.filter(kind="refit").values_list("parent_number", flat=True)) == {1, 2, 3, 4}
    [final] = [c for c in commands_of(search) if isinstance(c, Export) and c.final]
    assert final.number == together.number
    assert [(p["number"], p["share"]) for p in final.parts] == [(4, 0.25), (2, 0.25), (3, 0.25), (1, 0.25)]
    assert all(part["weights"] != part["number"] for part in final.parts)
    model = TrainedModel.objects.get(search=search)
    assert (model.trial, model.state) == (together, "final")
    said = "The ensemble, which is numbers 1, 2, 3 and 4 answering together, is right on 4 of 4"
    assert any(line.startswith(said) for line in log_of(search))


def test_refit_that_fails_leaves_the_weights_from_before(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), ensemble=True, fail={"refit 6": "No."})
    refit = search.trials.get(number=6)
    kept = "stays as it was before the last training: No."
    assert any(line.endswith(kept) for line in log_of(search))
    assert (refit.state, refit.kind) == ("failed", "refit")
    [final] = [c for c in commands_of(search) if isinstance(c, Export) and c.final]
    by_trial = {part["number"]: part["weights"] for part in final.parts}
    assert by_trial[refit.parent_number or 0] == refit.parent_number  # the weights from before
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED


def test_log_tells_the_milestones_in_words(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search))
    text = "\n".join(log_of(search))
    assert "Plain transfer learning is right on 3 of 4 validation pictures, which every network" in text
    assert "Network 4 is right on 4 of 4 validation pictures: the best so far." in text
    assert "is right on 18 of 20 test pictures, which nothing had looked at before." in text


def test_first_model_is_usable_before_the_first_network_is_tried(alice: User) -> None:
    search = make_search(alice, max_trials=1)
    run_slot(claimed(search))
    steps = [(type(c).__name__, getattr(c, "number", None)) for c in commands_of(search)]
    assert steps[:7] == [
        ("Open", None),
        ("Measure", None),
        ("Prepare", None),
        ("Train", 0),
        ("Train", 1),
        ("Export", 1),
        ("Train", 2),
    ]


def test_trial_whose_engine_is_killed_fails_with_the_reason_and_the_search_goes_on(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), die_once=["train 2"])

    search.refresh_from_db()
    assert search.state == Search.State.FINISHED
    dead = search.trials.get(number=2)
    assert (dead.state, dead.error_kind) == ("failed", "out_of_memory")
    assert "ran out of memory" in dead.error
    assert search.trials.filter(state=Trial.State.FINISHED, accuracy__isnull=False).count() == 4
    commands = commands_of(search)
    assert [type(c) for c in commands].count(Open) == 2
    assert [type(c) for c in commands].count(Prepare) == 2
    assert any("Network 2 could not be trained" in line for line in log_of(search))


def test_traceback_goes_to_the_servers_log_and_not_to_people(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    search = make_search(alice, max_trials=1)
    run_slot(claimed(search), tracebacks=True)
    assert "Traceback of 2" in caplog.text
    assert not any("Traceback" in line for line in log_of(search))


def test_failed_trial_costs_no_engine(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), fail={"train 2": "The loss is not a number."})
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED
    assert search.trials.get(number=2).error == "The loss is not a number."
    assert [type(c) for c in commands_of(search)].count(Open) == 1


def test_three_deaths_in_a_row_end_the_slot_and_without_a_slot_the_search(alice: User) -> None:
    search = make_search(alice)
    run_slot(claimed(search), die=["measure"])
    search.refresh_from_db()
    assert search.state == Search.State.FAILED
    assert "3 times in a row" in search.error
    assert "ran out of memory" in search.error


def test_pictures_that_cannot_be_opened_fail_the_search_with_the_engines_words(alice: User) -> None:
    search = make_search(alice)
    run_slot(claimed(search), fail={"open": "The list of pictures is damaged."})
    search.refresh_from_db()
    assert search.state == Search.State.FAILED
    assert "The list of pictures is damaged." in search.error


def test_final_export_that_dies_is_done_again_without_a_second_fit(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), die_once=["final 4"])
    search.refresh_from_db()
    finals = [c for c in commands_of(search) if isinstance(c, Export) and c.final]
    assert [c.parts[0]["weights"] for c in finals] == [6, 4]
    assert search.state == Search.State.FINISHED
    assert TrainedModel.objects.get(search=search).state == "final"


def test_final_export_that_dies_twice_leaves_the_model_that_was_there(alice: User) -> None:
    search = make_search(alice, max_trials=3)
    run_slot(claimed(search), die=["final 4"])
    search.refresh_from_db()
    model = TrainedModel.objects.get(search=search)
    assert (search.state, model.state, model.trial.number) == ("finished", "provisional", 1)
    assert any("no test figures" in line for line in log_of(search))


def test_search_without_any_model_says_why(alice: User) -> None:
    search = make_search(alice, max_trials=1)
    message = "The disk is full."
    run_slot(claimed(search), fail={f"{what} {n}": message for what in ("export", "final") for n in range(3)})
    search.refresh_from_db()
    assert search.state == Search.State.FAILED
    assert message in search.error


@pytest.mark.parametrize(("kind", "begin"), [("settings", "The limit is 1 ms."), ("error", "This machine")])
def test_a_limit_that_nothing_can_keep_is_not_blamed_on_the_machine(
    alice: User, kind: str, begin: str
) -> None:
    search = make_search(alice)
    run_slot(claimed(search), fail={"measure": "The limit is 1 ms. Allow more."}, kind=kind)
    search.refresh_from_db()
    assert search.state == Search.State.FAILED
    assert search.error.startswith(begin)
    assert search.error.endswith("The limit is 1 ms. Allow more.")


def test_provisional_export_that_fails_is_not_tried_again_at_once(alice: User) -> None:
    search = make_search(alice, max_trials=2)
    run_slot(claimed(search), fail={"export 1": "No."})
    provisional = [c.number for c in commands_of(search) if isinstance(c, Export) and not c.final]
    assert provisional.count(1) == 1
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED


def test_stop_ends_the_trial_and_keeps_the_best(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(alice, max_trials=9)
    asked = stop_when(search, "hangs at train 3", monkeypatch)
    run_slot(claimed(search), hang=["train 3"])
    search.refresh_from_db()
    assert asked
    assert (search.state, search.phase) == ("cancelled", "done")
    assert search.trials.get(number=3).state == Trial.State.CANCELLED
    model = TrainedModel.objects.get(search=search)
    assert (model.state, model.trial.number) == ("final", 2)


def test_engine_that_does_not_stop_is_ended(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.searches.slot.STOP_SECONDS", 0.5)
    search = make_search(alice, max_trials=9)
    stop_when(search, "deaf at train 3", monkeypatch)
    run_slot(claimed(search), deaf=["train 3"])
    search.refresh_from_db()
    assert search.state == Search.State.CANCELLED
    assert "did not answer" in search.trials.get(number=3).error
    assert TrainedModel.objects.get(search=search).state == "final"


def test_stop_before_anything_was_measured_leaves_no_model(alice: User) -> None:
    search = make_search(alice, stop_requested=True, state=Search.State.RUNNING)
    run_slot(claimed(search))
    search.refresh_from_db()
    assert (search.state, search.error) == ("cancelled", "")
    assert not TrainedModel.objects.exists()


def test_slot_that_was_given_away_writes_nothing_more(alice: User) -> None:
    search = make_search(alice)
    slot = claimed(search)
    Slot.objects.filter(pk=slot.pk).update(claim="another")
    run_slot(slot)
    search.refresh_from_db()
    assert search.state == Search.State.QUEUED
    assert not search.log_lines.exists()
    assert not files.run_folder(search.pk).exists()


def test_trial_that_lost_its_worker_is_trained_again_as_it_was(alice: User) -> None:
    search = running_search(alice, max_trials=1)
    add_trial(search)
    add_trial(search)
    genome = space_of(SearchConfig(budget_seconds=60.0), PLAN).decode(
        space_of(SearchConfig(budget_seconds=60.0), PLAN).sample(Random(0))
    )
    lost = add_trial(search, state="queued", seed=77, attempts=1, genome=genome.to_dict(), epochs_planned=2)
    Trial.objects.filter(pk=lost.pk).update(
        vector=list(space_of(SearchConfig(budget_seconds=60.0), PLAN).sample(Random(0)))
    )
    run_slot(claimed(search))
    [again] = [c for c in commands_of(search) if isinstance(c, Train)]
    assert (again.number, again.seed) == (2, 77)
    assert again.genome
    assert Genome.from_dict(again.genome) == genome
    lost.refresh_from_db()
    assert (lost.state, lost.attempts) == ("finished", 2)


def stop_when(search: Search, sign: str, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have somebody ask to stop as soon as the engine has left a sign."""
    asked: list[bool] = []

    def stop_wanted(self: object) -> bool:
        if (files.run_folder(search.pk) / sign).exists():
            asked.append(Search.objects.filter(pk=search.pk).update(stop_requested=True) == 1)
        return Search.objects.filter(pk=search.pk, stop_requested=True).exists()

    monkeypatch.setattr("webapp.searches.slot.SlotRunner._stop_wanted", stop_wanted)
    return asked


def test_shared_weights_are_told_what_the_search_begins_with(alice: User) -> None:
    """The engine knows neither limit nor start: the base that it is sent keeps both."""
    space = space_of(SearchConfig(budget_seconds=60.0), PLAN)
    start = space.decode(space.starts[1])
    search = running_search(alice, max_trials=1, strategy="enas", budget_minutes=5.0, start=start.to_dict())
    add_trial(search)
    add_trial(search)
    run_slot(claimed(search))
    [command] = [c for c in commands_of(search) if isinstance(c, Supernet)]
    assert command.genome
    assert Genome.from_dict(command.genome) == start
