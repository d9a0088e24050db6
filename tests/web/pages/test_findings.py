"""The doctor's tab: what it shows, and what its buttons do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.engine.data.scenes import saved, scene
from tests.web.datasets.test_diagnosing import png, scenes
from tests.web.factories import imported_dataset
from webapp.accounts.models import User
from webapp.datasets import editing
from webapp.datasets.models import Dataset, Finding, Image

Kind = Finding.Kind
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(alice: User) -> Dataset:
    """One finding of most kinds of button."""
    files = scenes("cat", "dog")
    files["cat/large.png"] = png(scene(1).resize((240, 180)))
    files["dog/cat.png"] = files["cat/3.png"]
    files["dog/black.png"] = png(scene(900).point(lambda value: value // 12))
    files["dog/<b>cut.png"] = files["dog/5.png"][:-300]
    return imported_dataset(alice, files=files)


def page(client: Client, dataset: Dataset, query: str = "") -> str:
    response = client.get(f"/datasets/{dataset.pk}/?tab=doctor{query}")
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, dataset: Dataset, action: str, kind: str, **values: Any) -> str:
    """Press a button of the finding of a kind; the page that comes then."""
    finding = dataset.findings.filter(kind=kind).first()
    data = {"action": action, "finding": finding.pk if finding else "", "kind": kind, **values}
    response = client.post(f"/datasets/{dataset.pk}/findings/", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def names(dataset: Dataset) -> set[str]:
    return set(Image.objects.filter(dataset=dataset, removed_in=None).values_list("name", flat=True))


def states(dataset: Dataset) -> dict[str, str]:
    return dict(dataset.findings.values_list("kind", "state"))


def test_it_shows_what_is_wrong_the_most_severe_first(alice_client: Client, dataset: Dataset) -> None:
    text = page(alice_client, dataset)
    heads = ["One picture under several labels", "Cut off", "Nearly the same picture", "Too dark"]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    assert "Doctor <small>4</small>" in text
    assert "dog/&lt;b&gt;cut.png" in text
    assert "<b>cut" not in text


def test_it_shows_all_of_one_kind_and_nothing_unknown(alice_client: Client, dataset: Dataset) -> None:
    assert "Nearly the same picture" not in page(alice_client, dataset, "&kind=dark")
    assert "Nearly the same picture" in page(alice_client, dataset, "&kind=nonsense&page=x")


def test_a_good_data_set_says_so(alice_client: Client, alice: User) -> None:
    good = imported_dataset(alice, files=scenes("cat", "dog"))
    assert "Nothing is wrong with these pictures" in page(alice_client, good)


def test_removing_takes_the_picture_out_and_can_be_undone(alice_client: Client, dataset: Dataset) -> None:
    press(alice_client, dataset, "remove", Kind.DARK)
    assert "dog/black.png" not in names(dataset)
    assert states(dataset)[Kind.DARK] == Finding.State.FIXED
    editing.undo_last(dataset=dataset)
    assert "dog/black.png" in names(dataset)


def test_keeping_the_best_keeps_the_largest(alice_client: Client, dataset: Dataset) -> None:
    press(alice_client, dataset, "keep_best", Kind.NEAR_DUPLICATE)
    assert "cat/large.png" in names(dataset)
    assert "cat/1.png" not in names(dataset)
    assert states(dataset)[Kind.NEAR_DUPLICATE] == Finding.State.FIXED


def test_keeping_the_best_does_not_choose_between_labels(alice: User, alice_client: Client) -> None:
    files = scenes("cat", "dog") | {"dog/large.png": png(scene(1).resize((240, 180)))}
    dataset = imported_dataset(alice, files=files)
    before = names(dataset)
    assert "nothing left to change" in press(alice_client, dataset, "keep_best", Kind.NEAR_DUPLICATE)
    assert names(dataset) == before


@pytest.mark.parametrize(("label", "gone"), [("cat", "dog/cat.png"), ("dog", "cat/3.png")])
def test_choosing_a_label_removes_the_copy_under_the_other(
    alice_client: Client, dataset: Dataset, label: str, gone: str
) -> None:
    before = names(dataset)
    press(alice_client, dataset, "choose_label", Kind.CONFLICTING_LABELS, label=label)
    assert before - names(dataset) == {gone}
    assert states(dataset)[Kind.CONFLICTING_LABELS] == Finding.State.FIXED


def test_choosing_a_label_relabels_what_is_only_nearly_the_same(alice: User, alice_client: Client) -> None:
    files = scenes("cat", "dog") | {"dog/near.png": png(saved(scene(1), quality=60))}
    dataset = imported_dataset(alice, files=files)
    press(alice_client, dataset, "choose_label", Kind.CONFLICTING_LABELS, label="cat")
    image = Image.objects.get(dataset=dataset, name="dog/near.png")
    assert list(image.image_labels.filter(removed_in=None).values_list("label__name", flat=True)) == ["cat"]


def test_a_label_that_is_none_of_those_is_refused(alice_client: Client, dataset: Dataset) -> None:
    before = names(dataset)
    assert "Choose again" in press(
        alice_client, dataset, "choose_label", Kind.CONFLICTING_LABELS, label="owl"
    )
    assert names(dataset) == before


def test_what_leaks_is_taken_out_of_training(alice: User, alice_client: Client) -> None:
    files = {f"train/{name}": data for name, data in scenes("cat", "dog").items()}
    for split, first in (("val", 900), ("test", 950)):
        files |= {f"{split}/{label}/{n}.png": png(scene(first + n)) for label, n in (("cat", 1), ("dog", 2))}
    files["test/cat/seen.png"] = png(saved(scene(4), quality=50))
    dataset = imported_dataset(alice, files=files)
    before = names(dataset)
    press(alice_client, dataset, "take_from_training", Kind.LEAKAGE)
    assert before - names(dataset) == {"train/cat/4.png"}
    assert states(dataset)[Kind.LEAKAGE] == Finding.State.FIXED


def test_ignoring_and_taking_that_back(alice_client: Client, dataset: Dataset) -> None:
    text = press(alice_client, dataset, "ignore", Kind.DARK)
    assert states(dataset)[Kind.DARK] == Finding.State.IGNORED
    assert "1 ignored" in text
    press(alice_client, dataset, "reopen", Kind.DARK)
    assert states(dataset)[Kind.DARK] == Finding.State.OPEN


def test_a_whole_kind_at_once(alice_client: Client, dataset: Dataset) -> None:
    press(alice_client, dataset, "ignore", Kind.TRUNCATED, finding="")
    assert [kind for kind, state in states(dataset).items() if state == "ignored"] == [Kind.TRUNCATED]


def test_htmx_gets_the_part_and_the_tabs(alice_client: Client, dataset: Dataset) -> None:
    finding = dataset.findings.get(kind=Kind.DARK)
    response = alice_client.post(
        f"/datasets/{dataset.pk}/findings/", {"action": "remove", "finding": finding.pk}, headers=HTMX
    )
    text = response.content.decode()
    assert "<html" not in text
    assert "1 picture removed." in text
    assert "Doctor <small>3</small>" in text
    assert "Undo the last change" in text


@pytest.mark.parametrize(
    ("action", "kind", "finding"),
    [
        ("remove", "near_duplicate", None),
        ("keep_best", "dark", None),
        ("take_from_training", "dark", None),
        ("choose_label", "dark", None),
        ("explode", "dark", None),
        ("", "dark", None),
        ("remove", "", "9" * 40),
        ("remove", "", "x"),
        ("remove", "nonsense", ""),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    alice_client: Client, dataset: Dataset, action: str, kind: str, finding: str | None
) -> None:
    before, found = names(dataset), states(dataset)
    values = {} if finding is None else {"finding": finding}
    assert "Load the page again" in press(alice_client, dataset, action, kind, **values)
    assert (names(dataset), states(dataset)) == (before, found)


def test_a_stranger_sees_and_changes_nothing(charlie_client: Client, dataset: Dataset, charlie: User) -> None:
    data = {"action": "remove", "kind": "dark"}
    assert charlie_client.get(f"/datasets/{dataset.pk}/?tab=doctor").status_code == 404
    assert charlie_client.post(f"/datasets/{dataset.pk}/findings/", data).status_code == 404
    own = imported_dataset(charlie, files=scenes("cat", "dog"))
    theirs = dataset.findings.get(kind=Kind.DARK)
    charlie_client.post(f"/datasets/{own.pk}/findings/", {"action": "ignore", "finding": theirs.pk})
    assert states(dataset)[Kind.DARK] == Finding.State.OPEN


def test_looking_at_the_address_of_the_buttons_is_not_allowed(alice_client: Client, dataset: Dataset) -> None:
    assert alice_client.get(f"/datasets/{dataset.pk}/findings/").status_code == 405
