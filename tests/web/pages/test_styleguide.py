"""Every component on one page."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from tests.web.pages.reading import words
from webapp.core.views.styleguide import styleguide


@pytest.mark.django_db
def test_it_shows_every_component() -> None:
    text = words(styleguide(RequestFactory().get("/styleguide/")))
    for name in (
        "Type",
        "Buttons",
        "Badges",
        "Cards",
        "Stats",
        "Messages",
        "Form",
        "Options",
        "Progress",
        "Tabs",
    ):
        assert name in text
    for name in ("Table", "Chart", "Code", "Empty and error"):
        assert name in text
