"""Asking a model about a picture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.factories import COLORS, draw_picture
from tests.web.searches.making import running_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.predictions import sessions
from webapp.predictions.services import classify
from webapp.trained.models import TrainedModel


@pytest.fixture(autouse=True)
def fresh_sessions() -> None:
    sessions.forget_all()


def test_answers_come_most_probable_first_and_sum_to_one(alice: User) -> None:
    model = make_model(alice)
    for name, color in COLORS.items():
        answers = classify(model, draw_picture(color=color, size=(60, 40)))
        assert answers[0].label == name
        assert sum(answer.probability for answer in answers) == pytest.approx(1, abs=1e-5)
        assert answers == sorted(answers, key=lambda answer: -answer.probability)


def test_top_k_limits_the_answer(alice: User) -> None:
    model = make_model(alice)
    assert len(classify(model, draw_picture(), 2)) == 2
    assert len(classify(model, draw_picture(), 99)) == 3
    with pytest.raises(UserError):
        classify(model, draw_picture(), 0)


@pytest.mark.parametrize("data", [b"hello", b"%PDF-1.4 text", draw_picture()[:60]])
def test_what_is_no_picture_is_said_in_a_sentence(alice: User, data: bytes) -> None:
    with pytest.raises(UserError) as error:
        classify(make_model(alice), data)
    assert (error.value.code, error.value.status) == ("bad_picture", 415)
    assert error.value.message.endswith(".")


def test_empty_body_is_told_apart(alice: User) -> None:
    with pytest.raises(UserError) as error:
        classify(make_model(alice), b"")
    assert error.value.code == "no_picture"


def test_too_large_a_picture_is_refused(alice: User, settings: object) -> None:
    settings.PREDICT_MAX_BYTES = 50  # type: ignore[attr-defined]
    with pytest.raises(UserError) as error:
        classify(make_model(alice), draw_picture())
    assert error.value.status == 413


def test_network_is_loaded_once_and_anew_when_it_is_replaced(alice: User) -> None:
    search = running_search(alice)
    model = make_model(alice, search=search, final=False)
    first = sessions.classifier(model)
    assert sessions.classifier(model) is first
    better = make_model(alice, search=search)
    assert sessions.classifier(better) is not first
    assert classify(better, draw_picture())[0].label == "red"


def test_request_that_read_the_row_before_the_switch_is_answered(alice: User) -> None:
    model = make_model(alice)
    stale = TrainedModel.objects.get()
    stale.revision, stale.bundle = 99, f"models/{model.search_id}/99"
    assert classify(stale, draw_picture())[0].label == "red"


def test_missing_files_are_said_in_a_sentence(alice: User) -> None:
    model = make_model(alice)
    (model.bundle_path / "model.onnx").unlink()
    with pytest.raises(UserError) as error:
        classify(model, draw_picture())
    assert error.value.code == "bundle_missing"


def test_oldest_network_is_dropped(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 1)
    one, two = make_model(alice), make_model(alice)
    first = sessions.classifier(one)
    sessions.classifier(two)
    assert sessions.classifier(one) is not first


def test_threads_may_ask_at_once(alice: User) -> None:
    model = make_model(alice)
    pictures = [draw_picture(n, color=color) for n in range(8) for color in COLORS.values()]
    with ThreadPoolExecutor(8) as pool:
        labels = list(pool.map(lambda data: classify(model, data)[0].label, pictures))
    assert labels == list(COLORS) * 8
