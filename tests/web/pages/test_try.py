"""Trying a model on a picture."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from tests.web.factories import COLORS, draw_picture
from tests.web.pages.reading import words
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.predictions import sessions
from webapp.trained.models import TrainedModel

HTMX = {"HX-Request": "true"}


@pytest.fixture
def model(alice: User) -> TrainedModel:
    sessions.forget_all()
    return make_model(alice)


def picture(data: bytes, name: str = "a.png") -> dict[str, SimpleUploadedFile]:
    return {"image": SimpleUploadedFile(name, data)}


def test_answer_has_every_label_the_likeliest_first(alice_client: Client, model: TrainedModel) -> None:
    form = picture(draw_picture(1, color=COLORS["green"]))
    answer = alice_client.post(f"/models/{model.pk}/try/", form, headers=HTMX)
    text = words(answer)
    assert text.startswith("green It is")
    assert text.index("green") < text.index("red")
    assert b"<html" not in answer.content
    assert answer.content.count(b"<progress") == 3


def test_answer_is_a_page_without_scripts(alice_client: Client, model: TrainedModel) -> None:
    answer = alice_client.post(f"/models/{model.pk}/try/", picture(draw_picture(1)))
    assert b"<html" in answer.content
    assert "What does it see?" in words(answer)


@pytest.mark.parametrize("data", [b"no picture", b""])
def test_file_that_is_no_picture_is_told(alice_client: Client, model: TrainedModel, data: bytes) -> None:
    answer = alice_client.post(f"/models/{model.pk}/try/", picture(data), headers=HTMX)
    assert 400 <= answer.status_code < 500
    assert b'role="alert"' in answer.content
    assert words(answer).endswith(".")


def test_form_without_a_picture_is_told(alice_client: Client, model: TrainedModel) -> None:
    answer = alice_client.post(f"/models/{model.pk}/try/", {}, headers=HTMX)
    assert answer.status_code == 400
    assert words(answer) == "Choose a picture first."


def test_too_large_a_picture_is_not_even_read(
    alice_client: Client, model: TrainedModel, settings: Settings
) -> None:
    settings.PREDICT_MAX_BYTES = 10
    answer = alice_client.post(f"/models/{model.pk}/try/", picture(draw_picture(1)), headers=HTMX)
    assert answer.status_code == 413


def test_model_without_files_is_told(alice_client: Client, model: TrainedModel) -> None:
    (model.bundle_path / "model.onnx").unlink()
    answer = alice_client.post(f"/models/{model.pk}/try/", picture(draw_picture(1)), headers=HTMX)
    assert answer.status_code == 410
    assert "Train it again." in words(answer)


def test_stranger_gets_404(charlie_client: Client, model: TrainedModel) -> None:
    assert charlie_client.post(f"/models/{model.pk}/try/", picture(draw_picture(1))).status_code == 404
