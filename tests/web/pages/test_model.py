"""A model's page and its download."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from django.test import Client

from search_engine.space.architecture import Trunk
from search_engine.space.hybrid import HybridSpace
from tests.web.pages.reading import read, words
from tests.web.searches.making import PLAN, running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.searches.models import Search
from webapp.trained.models import TrainedModel


@pytest.fixture
def model(alice: User) -> TrainedModel:
    return make_model(alice)


def test_it_says_in_a_sentence_how_good_it_is(alice_client: Client, model: TrainedModel) -> None:
    text = read(alice_client, f"/models/{model.pk}/")
    assert "Right on 90 of 100 pictures it had never seen; between 70 and 97." in text


def test_it_shows_each_label_and_what_is_taken_for_what(alice_client: Client, model: TrainedModel) -> None:
    text = read(alice_client, f"/models/{model.pk}/")
    assert "red 90.0 % 90.0 % 90.0 % 10" in text
    assert "1 picture of red was taken for green" in text
    page = alice_client.get(f"/models/{model.pk}/").content.decode()
    assert 'title="9 of 10 pictures of red were called red">9</td>' in page
    assert re.search(r'class="heat-1" title="1 of 10 pictures of red were called green">1</td>', page)
    assert "<caption" in page


def test_provisional_model_says_so_and_shows_no_test_figure(alice_client: Client, alice: User) -> None:
    model = make_model(alice, search=running_search(alice), final=False)
    text = read(alice_client, f"/models/{model.pk}/")
    assert "The search still goes on." in text
    assert "Right on 85 of 100 pictures it did not learn from, so far." in text
    assert "Tested at the end" in text
    assert "never seen" not in text


def test_labels_of_strangers_scripts_are_only_words(alice_client: Client, alice: User) -> None:
    model = make_model(alice)
    model.labels = ["<script>alert(1)</script>", "b", "c"]
    model.save()
    page = alice_client.get(f"/models/{model.pk}/").content
    assert b"<script>alert" not in page
    assert b"&lt;script&gt;alert(1)" in page


def test_snippets_name_this_very_host(alice_client: Client, model: TrainedModel, settings: object) -> None:
    address = f"/models/{model.pk}/?tab=use"
    text = words(alice_client.get(address, headers={"host": "127.0.0.1:8123"}))
    assert f"http://127.0.0.1:8123/api/v1/models/{model.pk}/predict" in text
    assert 'curl -H "Authorization: Bearer' in text
    assert "Make a token" in text


def test_download_tab_lists_the_files_and_the_parity(alice_client: Client, model: TrainedModel) -> None:
    text = read(alice_client, f"/models/{model.pk}/?tab=download")
    for name in ("model.onnx", "labels.json", "model.json", "sample.jpg", "infer.py", "README.md"):
        assert name in text
    assert "no probability differs by more than 1.0e-06" in text
    assert "python infer.py sample.jpg" in text


def test_try_tab_takes_a_picture(alice_client: Client, model: TrainedModel) -> None:
    assert "Picture to try" in read(alice_client, f"/models/{model.pk}/?tab=try")


def test_architecture_tab_says_when_there_is_none(alice_client: Client, model: TrainedModel) -> None:
    assert "There is no network to draw" in read(alice_client, f"/models/{model.pk}/?tab=architecture")


def test_architecture_tab_draws_every_network_of_an_ensemble(
    alice_client: Client, model: TrainedModel
) -> None:
    space = HybridSpace(Trunk("efficientnet_lite0", 128))
    members = [
        {"trial": number, "share": share, "genome": space.decode(vector).to_dict()}
        for number, share, vector in zip((2, 3), (0.6, 0.4), space.starts, strict=False)
    ]
    TrainedModel.objects.update(card=model.card | {"members": members})
    url = f"/models/{model.pk}/?tab=architecture"
    text = read(alice_client, url)
    assert "2 networks answer together" in text
    assert "Network 2 : 60.0 % of the answer" in text.replace("Network 2:", "Network 2 :")
    assert alice_client.get(url).content.count(b'<svg class="nw-arch"') == 2


def test_architecture_tab_says_which_changes_of_pictures_were_learned_and_what_they_are_worth(
    alice_client: Client, model: TrainedModel
) -> None:
    space = HybridSpace(Trunk("efficientnet_lite0", 128))
    TrainedModel.objects.update(card=model.card | {"genome": space.decode(space.starts[0]).to_dict()})
    found = {"pictures": 100, "before": 94, "after": 80, "errors": 3.1}
    accuracies = {"none": [0.8, 0.81], "affine": [0.82, 0.8], "trivial": [0.83, 0.84], "learned": [0.9, 0.91]}
    policy = "rotate 0.6 0.3 + invert 0.2 0"
    lesson = {"policy": policy, "accuracies": accuracies, "pictures": 50, "seconds": 60.0}
    plan = replace(PLAN, invariances={"mirror": found}, lesson=lesson)
    Search.objects.update(plan=plan.to_dict())
    text = read(alice_client, f"/models/{model.pk}/?tab=architecture")
    assert "right on 94 of 100 pictures as they are and on 80 mirrored" in text
    assert "rotate at 30% strength in 60% of cases then invert in 20% of cases" in text
    assert "right on 90.0% and 91.0% of the validation pictures with them" in text


def test_bundle_is_the_zip_on_the_disk(alice_client: Client, model: TrainedModel) -> None:
    answer = alice_client.get(f"/models/{model.pk}/bundle/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Colours.zip"'
    archive = zipfile.ZipFile(BytesIO(b"".join(answer)))
    assert "model.onnx" in archive.namelist()


def test_bundle_that_is_gone_is_told(alice_client: Client, model: TrainedModel) -> None:
    model.bundle_path.with_suffix(".zip").unlink()
    answer = alice_client.get(f"/models/{model.pk}/bundle/", follow=True)
    assert "no longer on this machine. Train it again." in words(answer)


@pytest.mark.parametrize("part", ["", "?tab=use", "bundle/", "delete/"])
def test_stranger_gets_404(charlie_client: Client, model: TrainedModel, part: str) -> None:
    assert charlie_client.get(f"/models/{model.pk}/{part}").status_code == 404
