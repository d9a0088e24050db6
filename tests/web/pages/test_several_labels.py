"""Pages of searches and models whose pictures may have several labels."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from search_engine.evaluate.bootstrap import pack_bits
from search_engine.evaluate.multilabel import report
from tests.web.factories import COLORS, draw_picture, make_version
from tests.web.pages.reading import read, words
from tests.web.searches.making import PLAN, add_trial, make_search, running_search
from tests.web.trained.making import LABELS, make_model
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.predictions import sessions
from webapp.searches.models import Search, Trial
from webapp.trained.models import TrainedModel

THRESHOLDS = [0.2, 0.5, 0.9]
PLANNED = replace(PLAN, task="multi").to_dict()


def sealed_test() -> dict[str, Any]:
    """Red is found too often, green missed once, blue on no test picture."""
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    answers = np.array([[0.9, 0.1, 0.1], [0.8, 0.7, 0.1], [0.4, 0.3, 0.1], [0.3, 0.1, 0.1]])
    figures = report(answers, targets, tuple(LABELS), (0.2, 0.5, 0.9))
    return figures | {"interval": [0.6, 0.92], "opened": 1}


@pytest.fixture
def model(alice: User) -> TrainedModel:
    sessions.forget_all()
    card: dict[str, Any] = {
        "task": "multi-label",
        "thresholds": THRESHOLDS,
        "test": sealed_test(),
        "validation": {
            "accuracy": 0.9,
            "subset_accuracy": 0.7,
            "mean_average_precision": 0.95,
            "n": 20,
            "folds": 1,
        },
    }
    found = make_model(alice, search=finished_search(alice), **card)
    (found.bundle_path / "model.json").write_text(json.dumps({"thresholds": THRESHOLDS}))
    return found


def finished_search(owner: User) -> Search:
    now = timezone.now()
    search = make_search(
        owner,
        state=Search.State.FINISHED,
        phase=Search.Phase.DONE,
        plan=PLANNED,
        started_at=now - timedelta(seconds=90),
        finished_at=now,
    )
    for accuracy, subset, precision in ((0.6, 0.1, 0.4), (0.8, 0.5, 0.85), (0.91, 0.72, 0.957)):
        add_trial(
            search,
            accuracy=accuracy,
            standard_error=0.015,
            latency_ms=12.0,
            figures={"subset_accuracy": subset, "mean_average_precision": precision},
            right=pack_bits(np.arange(90).reshape(30, 3) < 90 * accuracy),
        )
    return search


def test_the_leaderboard_says_what_its_figures_count(alice_client: Client, alice: User) -> None:
    text = read(alice_client, f"/searches/{finished_search(alice).pk}/")
    assert "right on 91 of 100 labels of pictures it did not learn from" in text
    assert "always giving the most common labels" in text
    assert "Labels right, of 100" in text
    assert "Network 2 91.0 ± 1.5 72.0 95.7 % Search" in text
    assert "Always giving the most common labels 60.0" in text
    assert "beats plain transfer learning by 11.0 of 100 labels of pictures" in text
    assert "on the same 30 pictures" in text


def test_one_label_a_picture_has_no_such_columns(alice_client: Client, alice: User) -> None:
    search = finished_search(alice)
    Search.objects.filter(pk=search.pk).update(plan=PLAN.to_dict())
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "right on 91 of 100 pictures it did not learn from" in text
    assert "Network 2 91.0 ± 1.5 Search" in text
    assert "Mean AP" not in text
    assert "Labels right" not in text


def test_the_live_page_counts_labels_from_the_first_figure(alice_client: Client, alice: User) -> None:
    search = running_search(alice)
    Search.objects.filter(pk=search.pk).update(plan=PLANNED)
    add_trial(search, accuracy=0.6)
    add_trial(search, accuracy=0.875)
    text = read(alice_client, f"/searches/{search.pk}/")
    assert "of 100 labels right: the best so far" in text
    assert "Labels right, of 100" in text


def test_before_the_plan_the_data_set_says_what_is_asked(alice: User) -> None:
    version = make_version(alice)
    Dataset.objects.filter(pk=version.dataset_id).update(task=Dataset.Task.MULTI)
    version.dataset.refresh_from_db()
    search = make_search(alice, version=version)
    assert search.is_multi
    search.plan = PLAN.to_dict()  # made while the data set still was of one label a picture
    assert not search.is_multi


def test_a_candidate_has_its_figures(alice_client: Client, alice: User) -> None:
    search = finished_search(alice)
    text = read(alice_client, f"/searches/{search.pk}/candidates/2/")
    assert "Labels right, of 100 91.0 %" in text
    assert "All right, of 100 72.0 %" in text
    assert "Mean average precision 95.7 %" in text
    assert search.trials.get(number=2).kind == Trial.Kind.NETWORK


def test_the_model_says_of_a_hundred_labels_how_many_are_right(
    alice_client: Client, model: TrainedModel
) -> None:
    text = read(alice_client, f"/models/{model.pk}/")
    assert "Says which are on a picture: red, green, blue." in text
    assert "Of 100 labels that it decided on pictures it had never seen, 75 were right" in text
    assert "between 60 and 92" in text
    assert "Labels right 75.0 % of 12 decisions, a label on a picture each, on 4 test pictures" in text
    assert "All right 50.0 %" in text
    assert "2 pictures without red were said to have it" in text
    assert "green was missed on 1 picture" in text
    assert "red 100.0 % 50.0 % 66.7 % 100.0 % 20.0 % 2" in text
    assert "blue – – – – 90.0 % 0" in text
    assert "Label Found Missed Wrongly given Rightly not given red 2 0 2 0 green 1 1 0 2 blue 0 0 0 4" in text
    assert "What it takes for what" not in text


def test_a_provisional_model_counts_labels_too(alice_client: Client, alice: User) -> None:
    card: dict[str, Any] = {
        "task": "multi-label",
        "thresholds": THRESHOLDS,
        "validation": {"accuracy": 0.9, "subset_accuracy": 0.7, "mean_average_precision": 0.95, "n": 20},
    }
    model = make_model(alice, final=False, **card)
    text = read(alice_client, f"/models/{model.pk}/")
    assert "Right on 90 of 100 labels of pictures it did not learn from, so far." in text
    assert "All right 70.0 %" in text
    assert "of 100 labels right so far" in read(alice_client, "/")


def test_trying_it_names_every_label_that_the_picture_has(alice_client: Client, model: TrainedModel) -> None:
    form = {"image": SimpleUploadedFile("a.png", draw_picture(1, color=COLORS["green"]))}
    answer = alice_client.post(f"/models/{model.pk}/try/", form, headers={"HX-Request": "true"})
    text = words(answer)
    assert text.startswith("green These it finds on the picture. Each label is decided on its own")
    assert answer.content.count(b'aria-label="On the picture"') == 1
    assert answer.content.count(b"<progress") == 3


def test_a_picture_of_none_of_its_labels_is_told(alice_client: Client, model: TrainedModel) -> None:
    (model.bundle_path / "model.json").write_text(json.dumps({"thresholds": [1.1, 1.1, 1.1]}))
    form = {"image": SimpleUploadedFile("a.png", draw_picture(1))}
    text = words(alice_client.post(f"/models/{model.pk}/try/", form, headers={"HX-Request": "true"}))
    assert text.startswith("None of its labels It finds none of them on the picture.")


def test_how_to_use_it_prints_all_that_a_picture_has(alice_client: Client, model: TrainedModel) -> None:
    page = alice_client.get(f"/models/{model.pk}/?tab=use").content.decode()
    assert "if each[&quot;chosen&quot;]" in page
    assert "and with <code>chosen</code>" in page


def test_over_http_each_label_says_whether_it_is_there(alice_api: Client, model: TrainedModel) -> None:
    url = f"/api/v1/models/{model.pk}"
    picture = draw_picture(1, color=COLORS["green"])
    answer = alice_api.post(f"{url}/predict", picture, content_type="image/png").json()
    chosen = {each["label"]: each["chosen"] for each in answer["predictions"]}
    assert chosen == {"green": True, "red": False, "blue": False}
    told = alice_api.get(url).json()
    assert (told["task"], told["thresholds"]) == ("multi-label", THRESHOLDS)
    assert told["test"]["subset_accuracy"] == 0.5
    assert told["test"]["per_class"][0]["counts"] == [[0, 2], [0, 2]]
    assert "confusion" not in told["test"]
    assert told["validation"]["mean_average_precision"] == 0.95
    trials = alice_api.get(f"/api/v1/searches/{model.search_id}/trials").json()
    assert (trials[0]["mean_average_precision"], trials[0]["subset_accuracy"]) == (0.957, 0.72)
    assert alice_api.get(f"/api/v1/searches/{model.search_id}").json()["task"] == "multi"


def test_of_one_label_a_picture_the_answer_is_as_before(alice: User, alice_api: Client) -> None:
    sessions.forget_all()
    model = make_model(alice)
    answer = alice_api.post(
        f"/api/v1/models/{model.pk}/predict", draw_picture(1), content_type="image/png"
    ).json()
    assert set(answer) == {"model", "predictions"}
    assert all(set(each) == {"label", "probability"} for each in answer["predictions"])
    told = alice_api.get(f"/api/v1/models/{model.pk}").json()
    assert (told["task"], told["thresholds"]) == ("single-label", None)
    assert set(told["test"]["per_class"][0]) == {"label", "precision", "recall", "f1", "n"}


def test_a_stranger_gets_404(charlie_client: Client, charlie_api: Client, model: TrainedModel) -> None:
    assert charlie_client.get(f"/models/{model.pk}/").status_code == 404
    assert charlie_api.get(f"/api/v1/models/{model.pk}").status_code == 404
