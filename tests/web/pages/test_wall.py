"""The wall of pictures: filters, pages, edits of what is selected, undo; one picture; labels."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.web.factories import draw_picture, imported_dataset, label_files, make_dataset, make_version
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets import editing, wall
from webapp.datasets.models import Dataset, Finding, Image, Opinion

HTMX = {"HX-Request": "true"}


def shown(answer: Any) -> list[int]:
    """The pictures on a page, in order."""
    return [int(pk) for pk in re.findall(r'name="images" value="(\d+)"', answer.content.decode())]


def live(dataset: Dataset) -> set[int]:
    return set(Image.objects.filter(dataset=dataset, removed_in=None).values_list("pk", flat=True))


def edit(client: Client, dataset: Dataset, query: str = "", **data: Any) -> Any:
    return client.post(f"/datasets/{dataset.pk}/edit/{query}", data, headers=HTMX)


@pytest.mark.parametrize("sort", ["", "newest", "name", "suspicion", "confidence"])
def test_every_picture_is_on_one_page_in_its_order(
    alice_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(wall, "PAGE", 4)
    dataset = make_version(alice, each=7).dataset
    label = dataset.labels.get(name="red")
    for number, image in enumerate(dataset.images.all()):
        tied = (number % 3) / 4
        Opinion.objects.create(
            image=image, dataset=dataset, search_id=1, label=label, confidence=tied, own=0.5, suspicion=tied
        )
    address, pages, found = f"/datasets/{dataset.pk}/?sort={sort}", 0, []
    while address:
        answer = alice_client.get(address)
        found += shown(answer)
        pages += 1
        more = re.search(r'href="([^"]*after=\d+)"', answer.content.decode())
        address = more[1].replace("&amp;", "&") if more else ""
    assert pages == 4
    rows = Image.objects.in_bulk(found)
    assert len(found) == len(set(found)) == 14
    keys: dict[str, Any] = {
        "": lambda row: (row.sha256,),
        "newest": lambda row: (-row.pk,),
        "name": lambda row: (row.name,),
        "suspicion": lambda row: (-row.opinion.suspicion, row.pk),
        "confidence": lambda row: (row.opinion.confidence, row.pk),
    }
    assert found == sorted(found, key=lambda pk: keys[sort](rows[pk]))


def test_more_pictures_come_alone_for_htmx(
    alice_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "PAGE", 4)
    dataset = make_version(alice).dataset
    first = shown(alice_client.get(f"/datasets/{dataset.pk}/"))
    answer = alice_client.get(f"/datasets/{dataset.pk}/pictures/?after={first[-1]}", headers=HTMX)
    assert b"<form" not in answer.content
    assert len(shown(answer)) == 4
    assert not set(shown(answer)) & set(first)


def test_filters_find_what_they_say(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=6).dataset
    one, two, three, four, *_ = dataset.images.order_by("pk")
    green, red = (dataset.labels.get(name=name) for name in ("green", "red"))
    editing.relabel(dataset=dataset, images=[one.pk], labels=[])
    editing.remove_pictures(dataset=dataset, images=[two.pk])
    finding = Finding.objects.create(
        dataset=dataset,
        version=dataset.versions.get(number=2),
        kind="dark",
        severity="note",
        key="k",
        message="Dark.",
    )
    finding.images.add(three)
    Image.objects.filter(pk=four.pk).update(width=2000, height=1500)
    for image, label, confidence in ((three, green, 0.9), (four, red, 0.5)):
        Opinion.objects.create(
            image=image, dataset=dataset, search_id=1, label=label, confidence=confidence, own=0, suspicion=0
        )

    def found(query: str) -> set[int]:
        answer = alice_client.get(f"/datasets/{dataset.pk}/?{query}")
        counted = re.search(r"([\d,]+) pictures? ", words(answer).split("Name has")[-1])
        assert counted
        assert int(counted[1]) == len(shown(answer))
        return set(shown(answer))

    assert found("label=none") == {one.pk}
    assert two.pk not in found("")
    assert found("show=removed") == {two.pk}
    assert found("finding=dark") == {three.pk}
    assert found("size=large") == {four.pk}
    assert found("size=small") == live(dataset) - {four.pk}
    assert found("model=right") == {three.pk}
    assert found("model=wrong") == found("model=unsure") == {four.pk}
    assert found("q=GREEN/2") == {three.pk}
    assert found(f"label={green.pk}&split=test") <= live(dataset)
    assert found("sort=suspicion") == {three.pk, four.pk}


@pytest.mark.parametrize(
    "query",
    ["label=x", "label=99999", "split=none", "sort=%00", "after=x", "after=9999999999999999999999", "q=%00"],
)
def test_filters_that_make_no_sense_count_as_none(alice_client: Client, alice: User, query: str) -> None:
    dataset = make_version(alice, each=3).dataset
    assert len(shown(alice_client.get(f"/datasets/{dataset.pk}/?{query}"))) == 6


def test_the_page_takes_as_many_queries_for_many_pictures_as_for_few(
    alice_client: Client, alice: User
) -> None:
    counts = []
    for each in (2, 2, 30):  # the first time looks up more than this page is about
        dataset = make_version(alice, each=each).dataset
        with CaptureQueriesContext(connection) as queries:
            assert len(shown(alice_client.get(f"/datasets/{dataset.pk}/"))) == 2 * each
        counts.append(len(queries))
    assert counts[1] == counts[2] <= 20


def test_an_old_version_is_shown_as_it_was_and_cannot_be_changed(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=3).dataset
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    editing.remove_pictures(dataset=dataset, images=list(live(dataset))[:2])
    answer = alice_client.get(f"/datasets/{dataset.pk}/?version=1")
    assert "This is version 1, as it was." in words(answer)
    assert answer.content.decode().count("<img") == 6
    assert words(answer).split("This is version 1")[1].count(" red") >= 3
    assert shown(answer) == []
    assert alice_client.get(f"/datasets/{dataset.pk}/?version=3").status_code == 404
    assert alice_client.get(f"/datasets/{dataset.pk}/?version=x").status_code == 404


def test_what_is_selected_is_relabelled_and_that_is_undone(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=4).dataset
    images = sorted(live(dataset))[:3]
    answer = edit(alice_client, dataset, ids=",".join(map(str, images)), action="relabel", label="blue")
    text = words(answer)
    assert "3 pictures labelled “blue”. Undo" in text
    assert "8 pictures · 3 labels · version 2" in text
    assert "Version 2 is open: 3 with other labels." in text
    edit_id = re.search(r'"edit": "(\d+)"', answer.content.decode())
    assert edit_id
    answer = alice_client.post(f"/datasets/{dataset.pk}/undo/", {"edit": edit_id[1]}, headers=HTMX)
    assert "Undone: 3 pictures labelled “blue”." in words(answer)
    assert dataset.latest
    assert dataset.latest.number == 1


def test_all_that_match_means_the_filters(
    alice_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "PAGE", 2)
    dataset = make_version(alice, each=5).dataset
    red = dataset.labels.get(name="red")
    edit(alice_client, dataset, f"?label={red.pk}", all="1", action="remove")
    assert dataset.latest
    assert dataset.latest.summary["labels"] == {"green": 5}
    edit(alice_client, dataset, "?show=removed", all="1", action="restore")
    assert dataset.latest.summary["labels"] == {"green": 5, "red": 5}


def test_leaving_the_test_has_to_be_confirmed(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=5).dataset
    answer = edit(alice_client, dataset, "?split=test", all="1", action="move", split="train")
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#edit-toast")
    assert "Move them all the same" in words(answer)
    assert dataset.latest
    assert dataset.latest.number == 1
    answer = edit(alice_client, dataset, "?split=test", all="1", action="move_confirmed", split="train")
    assert "2 pictures moved to the training pictures." in words(answer)


def test_leaving_the_test_is_asked_without_scripts_too(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=5).dataset
    test = list(Image.objects.filter(split="test").values_list("pk", flat=True))
    address = f"/datasets/{dataset.pk}/edit/"
    asked = alice_client.post(address, {"images": test, "action": "move", "split": "train"})
    assert asked.status_code == 409
    assert "Move test pictures? 2 of these pictures are set aside for the test." in words(asked)
    sent = {
        name: re.findall(rf'name="{name}" value="([^"]*)"', asked.content.decode())
        for name in ("images", "split")
    }
    answer = alice_client.post(address, {**sent, "action": "move_confirmed"}, follow=True)
    assert "2 pictures moved to the training pictures." in words(answer)


def test_the_wall_stays_as_long_as_it_was(
    alice_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "PAGE", 2)
    dataset = make_version(alice, each=5).dataset
    answer = edit(alice_client, dataset, ids=str(min(live(dataset))), action="remove", shown="6")
    assert len(shown(answer)) == 6


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"action": "remove"}, "No picture is selected."),
        ({"action": "remove", "ids": "x,-1"}, "No picture is selected."),
        ({"action": "relabel", "ids": "1", "label": " "}, "Give the label a name."),
        ({"action": "move", "ids": "1", "split": "x"}, "choose train, validation or test"),
        ({"action": "take", "ids": "1", "label": "nothing"}, "There is no label “nothing”"),
    ],
)
def test_what_cannot_be_done_is_told(
    alice_client: Client, alice: User, data: dict[str, str], message: str
) -> None:
    answer = edit(alice_client, make_version(alice, each=3).dataset, **data)
    assert answer.status_code in (400, 409)
    assert message in words(answer)


def test_an_unknown_action_changes_nothing(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=3).dataset
    assert "nothing to change" in words(edit(alice_client, dataset, action="explode", ids="1"))
    assert len(live(dataset)) == 6


def test_it_works_without_scripts(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=3).dataset
    two = sorted(live(dataset))[:2]
    address = f"/datasets/{dataset.pk}/edit/?split=train"
    answer = alice_client.post(address, {"images": two, "action": "remove"}, follow=True)
    assert answer.redirect_chain == [(f"/datasets/{dataset.pk}/?split=train", 302)]
    assert "2 pictures removed." in words(answer)
    answer = alice_client.post(f"/datasets/{dataset.pk}/undo/", follow=True)
    assert "Undone: 2 pictures removed." in words(answer)
    answer = alice_client.post(f"/datasets/{dataset.pk}/undo/", follow=True)
    assert "nothing left to undo" in words(answer)


def test_a_picture_tells_its_facts(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(alice)
    image = dataset.images.first()
    assert image
    red = dataset.labels.get(name="red")
    Opinion.objects.create(
        image=image, dataset=dataset, search_id=1, label=red, confidence=0.87, own=0.1, suspicion=0.9
    )
    text = read(alice_client, f"/pictures/{image.pk}/")
    assert "The newest model says red, 87 % sure" in text
    assert "since version 1" in text


def test_a_format_that_browsers_do_not_show_is_shown_as_another(alice_client: Client, alice: User) -> None:
    files = label_files() | {"red/scan.tif": draw_picture(99, file_format="TIFF", size=(40, 30))}
    dataset = imported_dataset(alice, files=files)
    scan = dataset.images.get(name="red/scan.tif")
    answer = alice_client.get(f"/pictures/{scan.pk}/shown/")
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.content[8:12] == b"WEBP"
    png = dataset.images.filter(format="PNG").first()
    assert png
    assert alice_client.get(f"/pictures/{png.pk}/shown/").headers["Content-Type"] == "image/png"


def test_labels_are_renamed_and_merged(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=3).dataset
    base = f"/datasets/{dataset.pk}/labels"
    answer = alice_client.post(f"{base}/rename/", {"label": "red", "name": "crimson"}, follow=True)
    assert "Label “red” is now called “crimson”." in words(answer)
    assert "crimson 3" in words(answer)
    answer = alice_client.post(f"{base}/rename/", {"label": "crimson", "name": "green"}, follow=True)
    assert "Merge “crimson” into it instead." in words(answer)
    answer = alice_client.post(f"{base}/merge/", {"label": "crimson", "into": "green"}, follow=True)
    assert "“crimson” merged into “green”." in words(answer)
    assert "green 6" in words(answer)


def test_unlabelled_pictures_are_labelled_one_after_the_other(alice_client: Client, alice: User) -> None:
    dataset = make_version(alice, each=3).dataset
    editing.relabel(dataset=dataset, images=sorted(live(dataset))[:2], labels=[])
    address = f"/datasets/{dataset.pk}/label/"

    def asked(answer: Any) -> int:
        found = re.search(r'name="image" value="(\d+)"', answer.content.decode())
        assert found
        return int(found[1])

    page = alice_client.get(address)
    first = asked(page)
    assert "2 of 6 pictures left without a label" in words(page)
    skipped = alice_client.get(f"{address}?after={first}")
    assert asked(skipped) != first
    assert asked(alice_client.get(f"{address}?after={asked(skipped)}")) == first  # skipped ones come again
    page = alice_client.post(address, {"image": first, "labels": ["red", ""]}, follow=True)
    assert "1 of 6 pictures left" in words(page)
    undo = {"action": "undo", "image": first}
    page = alice_client.post(address, undo, follow=True)
    assert asked(page) == first
    page = alice_client.post(address, {"image": first, "labels": [" "]}, follow=True)
    assert "No label was chosen." in words(page)
    for _ in range(2):
        page = alice_client.post(address, {"image": asked(page), "labels": ["", "blue"]}, follow=True)
    assert "Every picture has a label" in words(page)


PARTS = ["edit/", "undo/", "labels/rename/", "labels/merge/", "label/"]


@pytest.mark.parametrize("part", PARTS)
def test_stranger_gets_404(charlie_client: Client, alice: User, part: str) -> None:
    dataset = make_dataset(alice)
    assert charlie_client.post(f"/datasets/{dataset.pk}/{part}").status_code == 404


@pytest.mark.parametrize("part", PARTS[:4])
def test_nothing_is_changed_by_looking(alice_client: Client, alice: User, part: str) -> None:
    assert alice_client.get(f"/datasets/{make_dataset(alice).pk}/{part}").status_code == 405


def test_stranger_does_not_see_a_picture(charlie_client: Client, alice: User) -> None:
    image = make_version(alice, each=1).dataset.images.first()
    assert image
    assert charlie_client.get(f"/pictures/{image.pk}/shown/").status_code == 404
