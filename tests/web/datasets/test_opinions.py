"""Opinions of a model on the pictures of a data set, and the finding that some labels look wrong."""

from __future__ import annotations

import pytest

from search_engine.suspects import Opinion as Line
from tests.web.factories import make_version
from webapp.accounts.models import User
from webapp.datasets.models import DatasetVersion, Finding, Image, ImageLabel, Label, Opinion
from webapp.datasets.opinions import MOST_SHOWN, record_opinions, suspects, with_labels

pytestmark = pytest.mark.django_db


def lines_of(version: DatasetVersion, suspected: int) -> list[Line]:
    """The first so many green pictures look red, the others are what they are called."""
    rows = Image.objects.filter(dataset=version.dataset).order_by("pk").prefetch_related("labels")
    lines = []
    for place, image in enumerate(rows):
        label, odd = image.labels.all()[0].name, place < suspected
        likeliest = {"green": "red", "red": "green"}[label] if odd else label
        own = 0.01 + place / 1000 if odd else 0.9 + place / 10_000
        lines.append(
            Line(image.pk, image.split, label, likeliest, 1 - own if odd else own, own, 1 - own, odd)
        )
    return lines


@pytest.fixture
def version(alice: User) -> DatasetVersion:
    return make_version(alice)


def finding_of(version: DatasetVersion) -> Finding:
    return Finding.objects.get(dataset=version.dataset, kind="suspect_label")


def test_every_picture_gets_an_opinion_and_the_suspect_ones_a_finding(version: DatasetVersion) -> None:
    assert record_opinions(version, 5, lines_of(version, 4)) == 4
    assert Opinion.objects.filter(dataset=version.dataset, search_id=5).count() == 20
    first = Opinion.objects.filter(dataset=version.dataset).first()
    assert first is not None
    assert (first.image.name, first.label.name, first.suspicion) == ("green/0.png", "red", 0.99)
    assert (first.confidence, first.own) == (0.99, 0.01)
    finding = finding_of(version)
    assert finding.message.startswith("About 4 of 20 labels look wrong to the newest model, the most")
    assert (finding.severity, finding.state, finding.version) == ("warning", "open", version)
    assert finding.files == [f"green/{n}.png" for n in range(4)]
    assert finding.images.count() == 4


def test_a_newer_model_replaces_opinions_and_finding(version: DatasetVersion) -> None:
    record_opinions(version, 5, lines_of(version, 4))
    record_opinions(version, 6, lines_of(version, 1))
    assert set(Opinion.objects.values_list("search_id", flat=True)) == {6}
    assert Opinion.objects.count() == 20
    finding = finding_of(version)
    assert finding.message.startswith("1 label looks wrong to the newest model.")
    assert (finding.severity, finding.files) == ("note", ["green/0.png"])
    assert finding.images.count() == 1


def test_when_none_looks_wrong_any_more_the_finding_is_mended_and_opens_again_later(
    version: DatasetVersion,
) -> None:
    record_opinions(version, 5, lines_of(version, 4))
    record_opinions(version, 6, lines_of(version, 0))
    assert finding_of(version).state == "fixed"
    assert not suspects(version.dataset).exists()
    record_opinions(version, 7, lines_of(version, 2))
    assert finding_of(version).state == "open"
    assert suspects(version.dataset).count() == 2


def test_what_was_ignored_stays_ignored(version: DatasetVersion) -> None:
    record_opinions(version, 5, lines_of(version, 4))
    Finding.objects.update(state=Finding.State.IGNORED)
    for number, suspected in ((6, 5), (7, 0), (8, 3)):
        record_opinions(version, number, lines_of(version, suspected))
        assert finding_of(version).state == "ignored"
    assert not suspects(version.dataset).exists()


def test_without_suspects_there_is_no_finding(version: DatasetVersion) -> None:
    assert record_opinions(version, 5, lines_of(version, 0)) == 0
    assert not Finding.objects.exists()
    assert Opinion.objects.count() == 20


def edited(version: DatasetVersion) -> DatasetVersion:
    return DatasetVersion.objects.create(dataset=version.dataset, number=version.number + 1)


def relabel(image: Image, name: str, version: DatasetVersion) -> None:
    image.image_labels.filter(removed_in=None).update(removed_in=version)
    label = Label.objects.get(dataset=image.dataset, name=name)
    ImageLabel.objects.create(image=image, label=label, added_in=version)


def test_pictures_that_were_edited_meanwhile_get_no_opinion(version: DatasetVersion) -> None:
    lines = lines_of(version, 4)
    newer = edited(version)
    relabel(Image.objects.get(name="green/0.png"), "red", newer)
    Image.objects.filter(name="green/1.png").update(removed_in=newer)
    assert record_opinions(version, 5, lines) == 2
    assert Opinion.objects.count() == 18
    assert finding_of(version).files == ["green/2.png", "green/3.png"]


def test_pictures_of_other_data_sets_and_unknown_labels_are_left_out(
    version: DatasetVersion, bob: User
) -> None:
    theirs = make_version(bob)
    own = lines_of(version, 1)
    foreign = lines_of(theirs, 2)
    odd = Line(own[5].id, "train", own[5].label, "purple", 0.9, 0.05, 0.95, True)
    record_opinions(version, 5, [*own[:5], odd, *own[6:], *foreign])
    assert Opinion.objects.count() == 19
    assert set(Opinion.objects.values_list("image__dataset", flat=True)) == {version.dataset_id}


def test_what_a_person_put_right_since_is_suspect_no_more(version: DatasetVersion) -> None:
    record_opinions(version, 5, lines_of(version, 4))
    newer = edited(version)
    relabel(Image.objects.get(name="green/1.png"), "red", newer)
    Image.objects.filter(name="green/2.png").update(removed_in=newer)
    left = with_labels(suspects(version.dataset))
    assert [(each.image.name, each.label, each.opinion.label.name) for each in left] == [
        ("green/0.png", "green", "red"),
        ("green/3.png", "green", "red"),
    ]


def test_many_pictures_are_written_in_bulk_and_the_finding_names_the_top_ones(
    alice: User, django_assert_max_num_queries: object
) -> None:
    version = make_version(alice, each=1)
    green = Label.objects.get(dataset=version.dataset, name="green")
    count = 5000
    Image.objects.bulk_create(
        Image(
            dataset=version.dataset, added_in=version, name=f"green/{n}.png", sha256=f"{n:064d}",
            format="PNG", width=8, height=8, size=100, split="train",
        )
        for n in range(1, count + 1)
    )  # fmt: skip
    pks = list(Image.objects.filter(name__startswith="green/").order_by("pk").values_list("pk", flat=True))
    ImageLabel.objects.filter(image__in=pks[:1]).delete()
    ImageLabel.objects.bulk_create(ImageLabel(image_id=pk, label=green, added_in=version) for pk in pks)
    lines = [Line(pk, "train", "green", "red", 0.9, 0.05, 0.95, place < 900) for place, pk in enumerate(pks)]
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        assert record_opinions(version, 5, iter(lines)) == 900
    finding = finding_of(version)
    assert len(finding.files) == finding.images.count() == MOST_SHOWN
    assert f"About 900 of {len(pks):,}" in finding.message
