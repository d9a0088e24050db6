"""Pictures that are changed from the doctor or a model's page: the page that one is on stays."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.web.factories import draw_picture, imported_dataset, label_files
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets.models import Dataset, Image

HTMX = {"HX-Request": "true"}


def dataset_with_copies(alice: User) -> Dataset:
    files = label_files()
    return imported_dataset(alice, files={**files, "red/copy.png": files["red/000.png"]})


def stay(client: Client, dataset: Dataset, **data: Any) -> Any:
    return client.post(f"/datasets/{dataset.pk}/edit/", {**data, "stay": "1"}, headers=HTMX)


def test_the_dialog_of_another_page_asks_to_stay(alice_client: Client, alice: User) -> None:
    image = dataset_with_copies(alice).images.first()
    assert image
    for address, stays in ((f"/pictures/{image.pk}/?stay=1", True), (f"/pictures/{image.pk}/", False)):
        dialog = alice_client.get(address, headers=HTMX).content.decode()
        assert ('name="stay"' in dialog) == stays


def test_an_edit_from_elsewhere_loads_that_page_again_and_says_what_was_done(
    alice_client: Client, alice: User
) -> None:
    dataset = dataset_with_copies(alice)
    image = dataset.images.first()
    assert image
    answer = stay(alice_client, dataset, action="remove", images=image.pk)
    assert answer["HX-Refresh"] == "true"
    assert "1 picture removed." in read(alice_client, f"/datasets/{dataset.pk}/?tab=doctor")
    assert not Image.objects.filter(pk=image.pk, removed_in=None).exists()


def test_a_refusal_is_told_on_that_page_too(alice_client: Client, alice: User) -> None:
    dataset = dataset_with_copies(alice)
    answer = stay(alice_client, dataset, action="remove")
    assert answer["HX-Refresh"] == "true"
    assert "No picture is selected." in read(alice_client, f"/datasets/{dataset.pk}/?tab=doctor")


def test_a_stranger_changes_nothing(charlie_client: Client, alice: User) -> None:
    dataset = dataset_with_copies(alice)
    before = dataset.images.filter(removed_in=None).count()
    image = dataset.images.first()
    assert image
    assert stay(charlie_client, dataset, action="remove", images=image.pk).status_code == 404
    assert charlie_client.get(f"/pictures/{image.pk}/?stay=1").status_code == 404
    assert dataset.images.filter(removed_in=None).count() == before


def test_findings_are_counted_in_heads_and_on_cards(alice_client: Client, alice: User) -> None:
    dataset = imported_dataset(
        alice, files={**label_files(each=20), "red/tiny.png": draw_picture(99, size=(12, 12))}
    )
    count = dataset.findings.filter(state="open").count()
    assert count
    said = f"{count} finding{'' if count == 1 else 's'}"
    for address in (f"/datasets/{dataset.pk}/", "/datasets/", "/"):
        assert said in words(alice_client.get(address)), address
