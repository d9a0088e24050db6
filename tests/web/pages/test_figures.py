"""Figures in words."""

from __future__ import annotations

import pytest

from webapp.core.templatetags import netwright as tags
from webapp.trained.views.figures import confusion_rows, heat, mistakes


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.914, "91 of 100"), (0.999, "99 of 100"), (1.0, "100 of 100"), (0.001, "1 of 100"), (0.0, "0 of 100")],
)
def test_of_100_never_rounds_to_perfect_or_to_nothing(share: float, text: str) -> None:
    assert tags.of_100(share) == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: tags.percent(0.9134), "91.3 %"),
        (lambda: tags.short_number(3_371_008), "3.4 million"),
        (lambda: tags.short_number(12_345), "12 thousand"),
        (lambda: tags.short_number(9_999), "9,999"),
        (lambda: tags.file_size(13_600_000), "13.6 MB"),
        (lambda: tags.file_size(80), "80 bytes"),
        (lambda: tags.milliseconds(12.34), "12.3 ms"),
        (lambda: tags.milliseconds(123.4), "123 ms"),
        (lambda: tags.clock(190), "3:10"),
        (lambda: tags.clock(3725), "1:02:05"),
        (lambda: tags.clock(-3), "0:00"),
        (lambda: tags.seconds_short(0.44), "0.4 s"),
        (lambda: tags.seconds_short(190), "3:10"),
        (lambda: tags.minutes_words(0.5), "30 seconds"),
        (lambda: tags.minutes_words(1), "1 minute"),
        (lambda: tags.minutes_words(2.5), "2 minutes 30 seconds"),
    ],
)
def test_figures_read_well(call: object, text: str) -> None:
    assert callable(call)
    assert call() == text


@pytest.mark.parametrize(
    "name", ["percent", "of_100", "short_number", "file_size", "milliseconds", "clock", "seconds_short"]
)
def test_missing_figure_is_a_dash(name: str) -> None:
    assert getattr(tags, name)(None) == "–"


def test_waffle_fills_as_many_dots_as_are_right() -> None:
    assert sum(right for _, _, right in tags.waffle(0.88)["dots"]) == 88


@pytest.mark.parametrize(("share", "level"), [(0.0, 0), (0.01, 1), (0.2, 2), (0.99, 5), (1.0, 5)])
def test_heat_has_six_levels(share: float, level: int) -> None:
    assert heat(share) == level


def test_mistakes_are_the_most_frequent_first() -> None:
    labels = [{"label": name} for name in ("a", "b")]
    test = {"per_class": labels, "confusion": [[5, 1], [3, 0]]}
    assert mistakes(test) == [(3, "b", "a"), (1, "a", "b")]
    assert confusion_rows(test)[1][1][0].title == "3 of 3 pictures of b were called a"


def test_model_without_a_test_has_no_matrix() -> None:
    assert confusion_rows(None) == []
    assert mistakes(None) == []
