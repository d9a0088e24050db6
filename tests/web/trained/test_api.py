"""Models over HTTP: look, download, ask, delete."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.web.factories import COLORS, draw_picture
from tests.web.searches.making import running_search
from tests.web.trained.making import LABELS, make_model
from webapp.accounts.models import User
from webapp.predictions import sessions
from webapp.trained.models import TrainedModel

URL = "/api/v1/models"


@pytest.fixture(autouse=True)
def fresh_sessions() -> None:
    sessions.forget_all()


def test_final_model_shows_its_test_figures(alice: User, alice_api: Client) -> None:
    model = make_model(alice)
    data = alice_api.get(f"{URL}/{model.pk}").json()
    assert (data["id"], data["state"], data["labels"]) == (model.pk, "final", LABELS)
    test = data["test"]
    assert (test["accuracy"], test["n"], test["interval"]) == (0.9, 30, [0.7, 0.97])
    assert test["per_class"][0] == {"label": "red", "precision": 0.9, "recall": 0.9, "f1": 0.9, "n": 10}
    assert test["confusion"] == [[9, 1, 0], [0, 9, 1], [1, 0, 9]]
    assert data["validation"] == {"accuracy": 0.85, "n": 4, "folds": 1}
    assert data["parity"] == {"max_abs_diff": 1e-6, "n": 4}


def test_provisional_model_has_no_test_figures(alice: User, alice_api: Client) -> None:
    model = make_model(alice, search=running_search(alice), final=False)
    data = alice_api.get(f"{URL}/{model.pk}").json()
    assert (data["state"], data["test"]) == ("provisional", None)


def test_bundle_downloads_as_a_zip(alice: User, alice_api: Client) -> None:
    model = make_model(alice)
    answer = alice_api.get(f"{URL}/{model.pk}/bundle")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert 'filename="Colours.zip"' in answer["Content-Disposition"]
    with zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content))) as archive:  # type: ignore[attr-defined]
        assert "model.onnx" in archive.namelist()


@pytest.mark.parametrize("color", list(COLORS))
def test_picture_as_the_body_and_as_a_form_give_one_answer(
    alice: User, alice_api: Client, color: str
) -> None:
    model = make_model(alice)
    picture = draw_picture(color=COLORS[color])
    body = alice_api.post(f"{URL}/{model.pk}/predict", picture, content_type="image/png")
    form = alice_api.post(f"{URL}/{model.pk}/predict", {"image": SimpleUploadedFile("a.png", picture)})
    assert body.status_code == form.status_code == 200
    assert body.json() == form.json()
    assert body.json()["model"] == model.pk
    first = body.json()["predictions"][0]
    assert first["label"] == color
    assert 0.5 < first["probability"] <= 1
    assert len(body.json()["predictions"]) == 3


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-www-form-urlencoded"])
def test_body_counts_whatever_its_type_says(alice: User, alice_api: Client, content_type: str) -> None:
    # The second is what curl --data-binary says on its own.
    url = f"{URL}/{make_model(alice).pk}/predict"
    answer = alice_api.generic("POST", url, draw_picture(), content_type=content_type)
    assert answer.json()["predictions"][0]["label"] == "red"


def test_top_k_limits_the_answer(alice: User, alice_api: Client) -> None:
    url = f"{URL}/{make_model(alice).pk}/predict"
    answer = alice_api.post(f"{url}?top_k=1", draw_picture(), content_type="image/png")
    assert [each["label"] for each in answer.json()["predictions"]] == ["red"]
    refused = alice_api.post(f"{url}?top_k=0", draw_picture(), content_type="image/png")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"hello", 415, "bad_picture"), (b"", 400, "no_picture"), (draw_picture()[:50], 415, "bad_picture")],
)
def test_bad_picture_is_refused_in_a_sentence(
    alice: User, alice_api: Client, data: bytes, status: int, code: str
) -> None:
    answer = alice_api.post(f"{URL}/{make_model(alice).pk}/predict", data, content_type="image/png")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_form_without_the_picture_is_told_the_field(alice: User, alice_api: Client) -> None:
    files = {"file": SimpleUploadedFile("a.png", draw_picture())}
    answer = alice_api.post(f"{URL}/{make_model(alice).pk}/predict", files)
    assert answer.status_code == 400
    assert "“image”" in answer.json()["error"]["message"]


def test_too_large_a_picture_is_refused(alice: User, alice_api: Client, settings: object) -> None:
    settings.PREDICT_MAX_BYTES = 50  # type: ignore[attr-defined]
    url = f"{URL}/{make_model(alice).pk}/predict"
    assert alice_api.post(url, draw_picture(), content_type="image/png").status_code == 413
    form = {"image": SimpleUploadedFile("a.png", draw_picture())}
    assert alice_api.post(url, form).status_code == 413


def test_delete_takes_the_model_away(alice: User, alice_api: Client) -> None:
    model = make_model(alice)
    assert alice_api.delete(f"{URL}/{model.pk}").status_code == 204
    assert alice_api.get(f"{URL}/{model.pk}").status_code == 404


def test_delete_while_searching_is_refused(alice: User, alice_api: Client) -> None:
    model = make_model(alice, search=running_search(alice), final=False)
    answer = alice_api.delete(f"{URL}/{model.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "search_running")


def test_list_shows_ones_own_models(alice: User, alice_api: Client, bob: User) -> None:
    model = make_model(alice)
    make_model(bob)
    assert [each["id"] for each in alice_api.get(URL).json()] == [model.pk]


def test_stranger_finds_nothing(alice: User, charlie_api: Client) -> None:
    model = make_model(alice)
    assert charlie_api.get(f"{URL}/{model.pk}").status_code == 404
    assert charlie_api.get(f"{URL}/{model.pk}/bundle").status_code == 404
    assert charlie_api.delete(f"{URL}/{model.pk}").status_code == 404
    asked = charlie_api.post(f"{URL}/{model.pk}/predict", draw_picture(), content_type="image/png")
    assert asked.status_code == 404
    assert TrainedModel.objects.exists()
