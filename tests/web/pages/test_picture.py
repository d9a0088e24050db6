"""One picture and its files."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client
from PIL import Image as Pillow

from tests.web.factories import draw_picture, imported_dataset, label_files
from tests.web.pages.reading import read, words
from webapp.accounts.models import User
from webapp.datasets import storage
from webapp.datasets.models import Image


@pytest.fixture
def image(alice: User) -> Image:
    imported_dataset(alice, files=label_files() | {"red/größer.png": draw_picture(99, size=(500, 300))})
    return Image.objects.get(name="red/größer.png")


def test_facts_are_told(alice_client: Client, image: Image) -> None:
    text = read(alice_client, f"/pictures/{image.pk}/")
    assert "500 × 300 pixels" in text
    assert "Label red" in text


def test_dialog_gets_only_its_part(alice_client: Client, image: Image) -> None:
    answer = alice_client.get(f"/pictures/{image.pk}/", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert "Close" in words(answer)


def test_thumbnail_is_small_and_kept_by_browsers(alice_client: Client, image: Image) -> None:
    answer = alice_client.get(f"/pictures/{image.pk}/thumbnail/")
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    picture = Pillow.open(BytesIO(b"".join(answer)))
    assert (picture.format, max(picture.size)) == ("WEBP", 256)


def test_original_comes_back_byte_for_byte_as_an_attachment(alice_client: Client, image: Image) -> None:
    answer = alice_client.get(f"/pictures/{image.pk}/original/")
    assert b"".join(answer) == draw_picture(99, size=(500, 300))
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "gr%C3%B6%C3%9Fer.png" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_file_that_is_gone_is_a_404(alice_client: Client, image: Image) -> None:
    storage.image_path(image).unlink()
    assert alice_client.get(f"/pictures/{image.pk}/original/").status_code == 404


@pytest.mark.parametrize("part", ["", "thumbnail/", "original/"])
def test_stranger_gets_404(charlie_client: Client, image: Image, part: str) -> None:
    assert charlie_client.get(f"/pictures/{image.pk}/{part}").status_code == 404
