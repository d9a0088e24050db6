"""Edits: what they do to versions, counts and rows, and that all of it can be taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.factories import make_version
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.datasets import editing, services, versions
from webapp.datasets.models import Dataset, DatasetVersion, Edit, Finding, Image, ImageLabel, Opinion

LABELS = ("green", "red", "blue")
Seen = dict[tuple[str, str], tuple[str, tuple[str, ...]]]


def seen(version: DatasetVersion) -> Seen:
    """All that a version says about its pictures: split and labels, by content and name."""
    links = ImageLabel.objects.filter(
        Q(removed_in=None) | Q(removed_in__number__gt=version.number), added_in__number__lte=version.number
    )
    labels: dict[int, list[str]] = {}
    for image, name in links.values_list("image_id", "label__name"):
        labels.setdefault(image, []).append(name)
    return {
        (image.sha256, image.name): (image.split, tuple(sorted(labels.get(image.pk, []))))
        for image in services.version_images(version)
    }


def ids(dataset: Dataset) -> list[int]:
    return list(Image.objects.filter(dataset=dataset, removed_in=None).values_list("pk", flat=True))


def latest(dataset: Dataset) -> DatasetVersion:
    version = dataset.latest
    assert version
    return version


def check_counts(dataset: Dataset, before: Seen) -> None:
    """The counts of the open version are those that one gets by counting."""
    version = latest(dataset)
    now = seen(version)
    assert version.pictures == len(now) == services.version_images(version).count()
    labels = Counter(name for _, names in now.values() for name in names)
    assert version.summary["labels"] == dict(labels)
    splits = Counter(split for split, _ in now.values())
    assert {split: count for split, count in version.summary["splits"].items() if count} == dict(splits)
    assert version.summary.get("unlabelled", 0) == sum(not names for _, names in now.values())
    if version.state == DatasetVersion.State.OPEN:
        both = now.keys() & before.keys()
        assert version.changes == {
            "added": len(now.keys() - before.keys()),
            "removed": len(before.keys() - now.keys()),
            "relabelled": sum(now[key][1] != before[key][1] for key in both),
            "moved": sum(now[key][0] != before[key][0] for key in both),
        }


PICKS = st.sets(st.integers(0, 11), min_size=1, max_size=6)
ACTS = st.one_of(
    st.tuples(st.just("remove"), PICKS),
    st.tuples(st.just("restore"), PICKS),
    st.tuples(st.just("relabel"), PICKS, st.lists(st.sampled_from(LABELS), max_size=2, unique=True)),
    st.tuples(st.just("add"), PICKS, st.sampled_from(LABELS)),
    st.tuples(st.just("take"), PICKS, st.sampled_from(LABELS)),
    st.tuples(st.just("move"), PICKS, st.sampled_from(Image.Split.values)),
    st.tuples(st.just("rename"), st.sampled_from(LABELS), st.sampled_from([*LABELS, "new"])),
    st.tuples(st.just("merge"), st.sampled_from(LABELS), st.sampled_from(LABELS)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("seal")),
)


def act(dataset: Dataset, what: str, *values: Any) -> Edit | None:
    """Do something to the pictures of these numbers, whatever rows they have now."""
    if what == "rename":
        return editing.rename_label(dataset=dataset, label=values[0], name=values[1])
    if what == "merge":
        return editing.merge_labels(dataset=dataset, labels=[values[0]], into=values[1])
    rows = dict(Image.objects.filter(dataset=dataset).order_by("pk").values_list("name", "pk"))
    names = sorted(rows)
    images = [rows[names[number]] for number in sorted(values[0])]
    acts: dict[str, Callable[[], Edit | None]] = {
        "remove": lambda: editing.remove_pictures(dataset=dataset, images=images),
        "restore": lambda: editing.restore_pictures(dataset=dataset, images=images),
        "relabel": lambda: editing.relabel(dataset=dataset, images=images, labels=values[1]),
        "add": lambda: editing.add_label(dataset=dataset, images=images, label=values[1]),
        "take": lambda: editing.remove_label(dataset=dataset, images=images, label=values[1]),
        "move": lambda: editing.move_to_split(
            dataset=dataset, images=images, split=values[1], confirmed=True
        ),
    }
    return acts[what]()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(ACTS, min_size=1, max_size=8), task=st.sampled_from(Dataset.Task.values))
def test_counts_are_right_and_undo_goes_back_whatever_was_done(
    alice: User, acts: list[tuple[Any, ...]], task: str
) -> None:
    version = make_version(alice, each=6)
    dataset = version.dataset
    Dataset.objects.filter(pk=dataset.pk).update(task=task)
    sealed = {version.number: seen(version)}
    past = [seen(version)]  # what undo has to lead back to
    for what, *values in acts:
        try:
            if what == "seal":
                versions.seal_version(version=latest(dataset))
                sealed[latest(dataset).number] = past[-1]
                past = past[-1:]
            elif what == "undo":
                if len(past) > 1:
                    editing.undo_last(dataset=dataset)
                    past.pop()
            elif act(dataset, what, *values):
                past.append(seen(latest(dataset)))
        except UserError as error:
            if error.code not in ("one_label", "no_such_label", "label_exists"):
                raise
        assert seen(latest(dataset)) == past[-1]
        check_counts(dataset, past[0])
    for old in dataset.versions.filter(state=DatasetVersion.State.SEALED):
        assert seen(old) == sealed[old.number]
    while len(past) > 1:
        editing.undo_last(dataset=dataset)
        past.pop()
        assert seen(latest(dataset)) == past[-1]
    assert latest(dataset).state == DatasetVersion.State.SEALED


def test_the_first_edit_opens_a_version_and_the_next_goes_into_it(alice: User) -> None:
    version = make_version(alice)
    dataset, before = version.dataset, seen(version)
    one, two, *_ = ids(dataset)
    edit = editing.remove_pictures(dataset=dataset, images=[one])
    assert edit
    assert edit.text == "1 picture removed."
    again = editing.remove_pictures(dataset=dataset, images=[one, two])
    assert again
    assert again.version == edit.version == latest(dataset)
    assert (edit.version.number, edit.version.kind, edit.version.state) == (2, "edit", "open")
    assert latest(dataset).pictures == 18
    assert seen(version) == before


def test_an_edit_that_changes_nothing_leaves_nothing(alice: User) -> None:
    version = make_version(alice)
    dataset = version.dataset
    green = list(Image.objects.filter(labels__name="green").values_list("pk", flat=True))
    assert editing.relabel(dataset=dataset, images=green, labels=["green"]) is None
    assert editing.restore_pictures(dataset=dataset, images=green) is None
    assert editing.move_to_split(dataset=dataset, images=[], split="train") is None
    assert latest(dataset) == version
    assert not Edit.objects.exists()


def test_pictures_of_others_are_passed_over(alice: User, bob: User) -> None:
    mine, theirs = make_version(alice), make_version(bob)
    assert editing.remove_pictures(dataset=mine.dataset, images=ids(theirs.dataset)) is None
    assert len(ids(theirs.dataset)) == 20


def test_the_last_undo_takes_the_version_away_but_not_its_findings(alice: User) -> None:
    version = make_version(alice)
    dataset = version.dataset
    editing.relabel(dataset=dataset, images=ids(dataset)[:3], labels=["blue"])
    finding = Finding.objects.create(
        dataset=dataset, version=latest(dataset), kind="dark", severity="note", key="x", message="Dark."
    )
    editing.undo_last(dataset=dataset)
    assert not dataset.labels.filter(name="blue").exists()
    finding.refresh_from_db()
    assert finding.version == latest(dataset) == version
    with pytest.raises(UserError, match="nothing left to undo"):
        editing.undo_last(dataset=dataset)


def test_undo_of_an_edit_that_is_not_the_last_is_refused(alice: User) -> None:
    dataset = make_version(alice).dataset
    first = editing.remove_pictures(dataset=dataset, images=ids(dataset)[:1])
    editing.remove_pictures(dataset=dataset, images=ids(dataset)[:1])
    assert first
    with pytest.raises(UserError, match="something else was changed"):
        editing.undo_last(dataset=dataset, edit=first.pk)
    assert len(ids(dataset)) == 18


def test_a_sealed_version_takes_no_more_edits(alice: User) -> None:
    dataset = make_version(alice).dataset
    editing.remove_pictures(dataset=dataset, images=ids(dataset)[:1])
    saved = versions.seal_version(version=latest(dataset), name=" without  blurry ones ")
    assert (saved.state, saved.name) == ("sealed", "without blurry ones")
    before = seen(saved)
    editing.move_to_split(dataset=dataset, images=ids(dataset)[:2], split="validation")
    assert latest(dataset).number == 3
    assert seen(saved) == before


def test_a_version_can_be_thrown_away_only_while_it_is_open(alice: User) -> None:
    version = make_version(alice)
    dataset, before = version.dataset, seen(version)
    editing.move_to_split(dataset=dataset, images=ids(dataset), split="test")
    editing.rename_label(dataset=dataset, label="red", name="rouge")
    editing.discard_version(version=latest(dataset))
    assert seen(latest(dataset)) == before
    assert Image.objects.count() == 20
    with pytest.raises(UserError, match="never change"):
        editing.discard_version(version=version)


def test_nothing_is_changed_while_pictures_are_being_added(alice: User) -> None:
    dataset = make_version(alice).dataset
    Dataset.objects.update(state=Dataset.State.IMPORTING)
    with pytest.raises(UserError, match="Wait until that is done") as caught:
        editing.remove_pictures(dataset=dataset, images=ids(dataset))
    assert caught.value.status == 409


def test_an_open_version_is_not_thrown_away_while_an_import_is_compared_with_it(alice: User) -> None:
    dataset = make_version(alice).dataset
    editing.remove_pictures(dataset=dataset, images=ids(dataset)[:1])
    Dataset.objects.update(state=Dataset.State.IMPORTING)
    with pytest.raises(UserError, match="Wait until that is done"):
        editing.discard_version(version=latest(dataset))
    assert latest(dataset).number == 2


def test_a_worker_looks_again_when_a_version_was_thrown_away(
    alice: User, enqueued: list[tuple[str, tuple[int, ...]]]
) -> None:
    dataset = make_version(alice).dataset
    editing.remove_pictures(dataset=dataset, images=ids(dataset)[:1])
    enqueued.clear()
    editing.discard_version(version=latest(dataset))
    assert enqueued == [("diagnose_edited", (dataset.pk, 0))]
    assert len(ids(dataset)) == 20


def test_one_label_a_picture_stays_one(alice: User) -> None:
    dataset = make_version(alice).dataset
    green = Image.objects.filter(labels__name="green").values_list("pk", flat=True)
    with pytest.raises(UserError, match="has one label"):
        editing.add_label(dataset=dataset, images=green, label="red")
    with pytest.raises(UserError, match="has one label"):
        editing.relabel(dataset=dataset, images=green, labels=["red", "blue"])
    assert latest(dataset).number == 1


@pytest.mark.parametrize("name", ["", "  \0 ", "x" * 256])
def test_a_label_needs_a_name_that_can_be_stored(alice: User, name: str) -> None:
    dataset = make_version(alice).dataset
    with pytest.raises(UserError, match="name"):
        editing.relabel(dataset=dataset, images=ids(dataset), labels=[name])


def test_test_pictures_leave_the_test_only_when_that_is_confirmed(alice: User) -> None:
    dataset = make_version(alice).dataset
    test = list(Image.objects.filter(split="test").values_list("pk", flat=True))
    with pytest.raises(UserError, match="4 of these pictures are set aside for the test") as caught:
        editing.move_to_split(dataset=dataset, images=test, split="train")
    assert caught.value.code == "leaves_test"
    edit = editing.move_to_split(dataset=dataset, images=test, split="train", confirmed=True)
    assert edit
    assert edit.text == "4 pictures moved to the training pictures."
    assert latest(dataset).summary["splits"] == {"train": 16, "validation": 4, "test": 0}


def test_near_duplicates_move_together(alice: User) -> None:
    dataset = make_version(alice).dataset
    group = list(Image.objects.filter(split="train").order_by("pk")[:3])
    Image.objects.filter(pk__in=[row.pk for row in group]).update(group="g")
    edit = editing.move_to_split(dataset=dataset, images=[group[0].pk], split="validation")
    assert edit
    assert edit.text == "1 picture moved to the validation pictures, with 2 that look nearly the same."
    moved = Image.objects.filter(removed_in=None, group="g")
    assert set(moved.values_list("split", "split_by")) == {("validation", "hand")}


def test_a_restored_picture_goes_where_its_near_duplicates_are(alice: User) -> None:
    dataset = make_version(alice).dataset
    one, two = Image.objects.filter(split="train").order_by("pk")[:2]
    Image.objects.filter(pk__in=[one.pk, two.pk]).update(group="g")
    editing.remove_pictures(dataset=dataset, images=[one.pk])
    versions.seal_version(version=latest(dataset))
    editing.move_to_split(dataset=dataset, images=[two.pk], split="test")
    editing.restore_pictures(dataset=dataset, images=[one.pk])
    assert set(Image.objects.filter(removed_in=None, group="g").values_list("split", flat=True)) == {"test"}


def test_what_is_known_of_a_picture_moves_with_it(alice: User) -> None:
    dataset = make_version(alice).dataset
    image = Image.objects.filter(split="train").first()
    assert image
    label = dataset.labels.get(name="red")
    Opinion.objects.create(
        image=image, dataset=dataset, search_id=1, label=label, confidence=0.9, own=0.1, suspicion=0.9
    )
    finding = Finding.objects.create(
        dataset=dataset, version=latest(dataset), kind="dark", severity="note", key="x", message="Dark."
    )
    finding.images.add(image)
    editing.move_to_split(dataset=dataset, images=[image.pk], split="validation")
    now = Image.objects.get(removed_in=None, name=image.name)
    assert now.pk != image.pk
    assert now.opinion.confidence == 0.9
    assert list(now.findings.all()) == [finding]
    editing.relabel(dataset=dataset, images=[image.pk], labels=["blue"])  # by the row that it was
    assert list(now.image_labels.filter(removed_in=None).values_list("label__name", flat=True)) == ["blue"]


def test_a_label_that_exists_is_merged_into_not_renamed_to(alice: User) -> None:
    dataset = make_version(alice).dataset
    with pytest.raises(UserError, match="Merge “red” into it instead"):
        editing.rename_label(dataset=dataset, label="red", name="green")
    editing.merge_labels(dataset=dataset, labels=["red"], into="green")
    assert latest(dataset).summary["labels"] == {"green": 20}


@pytest.mark.parametrize("what", ["remove", "relabel", "move", "restore", "merge"])
def test_the_number_of_queries_does_not_grow_with_the_pictures(alice: User, what: str) -> None:
    counts = []
    for each in (3, 60):
        dataset = make_version(alice, each=each).dataset
        images = ids(dataset)
        if what == "restore":
            editing.remove_pictures(dataset=dataset, images=images)
            versions.seal_version(version=latest(dataset))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            if what == "remove":
                editing.remove_pictures(dataset=dataset, images=images)
            elif what == "relabel":
                editing.relabel(dataset=dataset, images=images, labels=["blue"])
            elif what == "move":
                editing.move_to_split(dataset=dataset, images=images, split="test")
            elif what == "restore":
                editing.restore_pictures(dataset=dataset, images=images)
            else:
                editing.merge_labels(dataset=dataset, labels=["red"], into="green")
        inserts = sum(query["sql"].startswith("INSERT") for query in queries)
        counts.append(len(queries) - inserts)  # SQLite takes rows in batches, of some fifty pictures each
    assert counts[1] <= counts[0]
    assert counts[1] < 60
