"""Publishing, replacing and deleting the model of a search."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.web.factories import make_version
from tests.web.searches.fake_engine_card import card_of
from tests.web.searches.making import add_trial, make_search, running_search
from tests.web.trained.making import LABELS, make_model, write_bundle
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.searches import files
from webapp.searches.claims import ClaimLost
from webapp.trained.models import TrainedModel
from webapp.trained.services import (
    delete_model,
    download_name,
    open_bundle,
    publish_model,
    rename_model,
)


def test_model_is_named_after_its_data_set_and_holds_the_figures(alice: User) -> None:
    model = make_model(alice)
    assert (model.name, model.owner, model.state, model.revision) == ("Colours", alice, "final", 1)
    assert model.labels == LABELS
    assert (model.test_accuracy, model.test_pictures) == (0.9, 30)
    assert (model.test_low, model.test_high) == (0.7, 0.97)


def test_second_search_on_the_same_pictures_makes_another_name(alice: User) -> None:
    version = make_version(alice)
    first = make_model(alice, search=make_search(alice, version=version))
    second = make_model(alice, search=make_search(alice, version=version))
    assert (first.name, second.name) == ("Colours", "Colours 2")


def test_bundle_is_zipped_whole(alice: User, tmp_path: Path) -> None:
    model = make_model(alice)
    with open_bundle(model) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["infer.py", "labels.json", "model.json", "model.onnx"]
        assert archive.read("model.onnx") == (model.bundle_path / "model.onnx").read_bytes()


@pytest.mark.django_db(transaction=True)
def test_better_model_takes_the_place_of_the_first_one(alice: User) -> None:
    search = running_search(alice)
    first = make_model(alice, search=search, final=False)
    assert (first.state, first.test_accuracy) == ("provisional", None)
    rename_model(first, "My own name")
    second = make_model(alice, search=search, final=True)
    assert (second.pk, second.revision, second.state) == (first.pk, 2, "final")
    assert second.name == "My own name"
    assert sorted(p.name for p in files.model_folder(search.pk).iterdir()) == ["2", "2.zip"]


@pytest.mark.django_db(transaction=True)
def test_row_is_not_switched_when_the_claim_is_lost(alice: User) -> None:
    search = running_search(alice)
    first = make_model(alice, search=search, final=False)
    out = files.next_bundle(search.pk)
    write_bundle(out)

    def lost() -> None:
        raise ClaimLost("given away")

    with pytest.raises(ClaimLost):
        publish_model(search, first.trial, out, card_of(LABELS, final=True), final=True, within=lost)
    kept = TrainedModel.objects.get()
    assert (kept.revision, kept.state) == (1, "provisional")
    assert (kept.bundle_path / "model.onnx").is_file()


def test_bundle_that_was_replaced_meanwhile_is_still_found(alice: User) -> None:
    model = make_model(alice)
    stale = TrainedModel.objects.get()
    stale.bundle = f"models/{model.search_id}/99"
    with open_bundle(stale) as stream:
        assert zipfile.is_zipfile(stream)


def test_missing_files_are_said_in_a_sentence(alice: User) -> None:
    model = make_model(alice)
    model.bundle_path.with_name("1.zip").unlink()
    with pytest.raises(UserError, match="no longer on this machine") as error:
        open_bundle(model)
    assert error.value.status == 410


def test_name_of_the_download_is_safe_in_any_script(alice: User) -> None:
    model = TrainedModel(name='../Löwen "und" 猫\r\n')
    assert download_name(model) == "Löwen-und-猫.zip"
    assert download_name(TrainedModel(name="...")) == "model.zip"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_rename_refuses_an_empty_or_long_name(alice: User, name: str) -> None:
    model = make_model(alice)
    with pytest.raises(UserError) as error:
        rename_model(model, name)
    assert error.value.code == "bad_name"


@pytest.mark.django_db(transaction=True)
def test_delete_removes_the_files_and_keeps_the_search(alice: User) -> None:
    model = make_model(alice)
    search = model.search
    add_trial(search)
    delete_model(model)
    assert not TrainedModel.objects.exists()
    assert not files.model_folder(search.pk).exists()
    assert search.trials.count() == 2


def test_delete_waits_for_the_search(alice: User) -> None:
    model = make_model(alice, search=running_search(alice), final=False)
    with pytest.raises(UserError, match="Stop the search first"):
        delete_model(model)
    assert TrainedModel.objects.exists()
