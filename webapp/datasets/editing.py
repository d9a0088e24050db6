"""What people do to pictures and labels: each function is one transaction, one ``Edit``, and can be undone.

Edits go into the latest version while that is open, else they open the next one. Pictures are given by the
primary keys of their rows; a key of a picture that has since become another row (it was moved) will do, and
keys of other data sets or of pictures that are gone are passed over. Each function returns the edit, or None
if there was nothing to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from webapp.core.errors import UserError
from webapp.core.queue import enqueue
from webapp.datasets.diagnosing import edit_time
from webapp.datasets.drafting import Draft, take_back
from webapp.datasets.models import Dataset, DatasetVersion, Edit, Image, Label
from webapp.datasets.selecting import (
    links_of,
    live_ids,
    live_links,
    restorable,
    splits_of_groups,
    tested_pictures,
    with_groups,
)
from webapp.datasets.tasks import diagnose_edited
from webapp.datasets.versions import discard, latest_version, lock

MAX_LABEL = 255
SPLIT_WORDS = {
    Image.Split.TRAIN: "the training pictures",
    Image.Split.VALIDATION: "the validation pictures",
    Image.Split.TEST: "the test pictures",
}


def remove_pictures(*, dataset: Dataset, images: Iterable[int]) -> Edit | None:
    """Take pictures out of the data set; older versions keep them, and they can be restored.

    Raises:
        UserError: pictures are being added just now.
    """
    with editing(dataset):
        ids = live_ids(dataset, images)
        draft = Draft(dataset, ids)
        draft.remove(ids)
        return draft.finish(Edit.Action.REMOVE, f"{counted(len(ids))} removed.", len(ids))


def restore_pictures(*, dataset: Dataset, images: Iterable[int]) -> Edit | None:
    """Put removed pictures back, with the labels and the split that they had.

    A picture that is in the data set again already, by another way, is passed over.

    Raises:
        UserError: pictures are being added just now.
    """
    with editing(dataset):
        rows = restorable(dataset, images)
        draft = Draft(dataset, (row.pk for row in rows))
        version = open_now(dataset)
        ours = {row.pk for row in rows if version and row.removed_in_id == version.pk}
        draft.take_back(sorted(ours))
        others = [row for row in rows if row.pk not in ours]
        draft.copy(others, splits=splits_of_groups(dataset, others))
        return draft.finish(Edit.Action.RESTORE, f"{counted(len(rows))} restored.", len(rows))


def relabel(*, dataset: Dataset, images: Iterable[int], labels: Sequence[str]) -> Edit | None:
    """Give pictures exactly these labels; none at all leaves them unlabelled.

    Raises:
        UserError: a label has no name, there are several in a data set with one label a picture, or pictures
            are being added just now.
    """
    with editing(dataset):
        wanted = make_labels(dataset, labels)
        if len(wanted) > 1 and dataset.task == Dataset.Task.SINGLE:
            raise one_label(dataset)
        ids = live_ids(dataset, images)
        draft = Draft(dataset, ids)
        had = links_of(ids)
        keep = set(wanted.values())
        draft.unlink([pk for row in had.values() for label, pk in row.items() if label not in keep])
        draft.link((pk, label) for pk in ids for label in keep if label not in had[pk])
        changed = sum(set(had[pk]) != keep for pk in ids)
        names = ", ".join(f"“{name}”" for name in wanted)
        words = f"labelled {names}" if wanted else "left without a label"
        return draft.finish(Edit.Action.RELABEL, f"{counted(changed)} {words}.", changed)


def add_label(*, dataset: Dataset, images: Iterable[int], label: str) -> Edit | None:
    """Give pictures one label more.

    Raises:
        UserError: the label has no name, a picture would have two in a data set with one label a picture, or
            pictures are being added just now.
    """
    with editing(dataset):
        ((name, key),) = make_labels(dataset, [label]).items()
        ids = live_ids(dataset, images)
        had = links_of(ids)
        new = [pk for pk in ids if key not in had[pk]]
        if dataset.task == Dataset.Task.SINGLE and any(had[pk] for pk in new):
            raise one_label(dataset)
        draft = Draft(dataset, new)
        draft.link((pk, key) for pk in new)
        text = f"“{name}” added to {counted(len(new))}."
        return draft.finish(Edit.Action.ADD_LABEL, text, len(new))


def remove_label(*, dataset: Dataset, images: Iterable[int], label: str) -> Edit | None:
    """Take a label off pictures.

    Raises:
        UserError: there is no such label, or pictures are being added just now.
    """
    with editing(dataset):
        key = find_label(dataset, label)
        ids = live_ids(dataset, images)
        links = {pk: had[key] for pk, had in links_of(ids).items() if key in had}
        draft = Draft(dataset, links)
        draft.unlink(list(links.values()))
        text = f"“{label}” taken off {counted(len(links))}."
        return draft.finish(Edit.Action.REMOVE_LABEL, text, len(links))


def move_to_split(
    *, dataset: Dataset, images: Iterable[int], split: str, confirmed: bool = False
) -> Edit | None:
    """Have pictures used for something else. Copies and near-duplicates of them go along.

    Args:
        confirmed: the person knows that test pictures are among them, which networks will then have seen.

    Raises:
        UserError: with the code ``leaves_test`` if that has to be confirmed first; there is no such split;
            pictures are being added just now.
    """
    if split not in Image.Split.values:
        raise UserError("bad_split", f"“{split}” is no use of pictures; choose train, validation or test.")
    with editing(dataset):
        ids = live_ids(dataset, images)
        asked = set(ids)
        rows = [row for row in with_groups(dataset, ids) if row.split != split]
        test = [row for row in rows if row.split == Image.Split.TEST]
        if test and not confirmed:
            raise leaves_test(dataset, test)
        draft = Draft(dataset, (row.pk for row in rows))
        version = open_now(dataset)
        ours = [row for row in rows if version and row.added_in_id == version.pk]
        others = [row for row in rows if not version or row.added_in_id != version.pk]
        draft.set_split(ours, split)
        draft.remove([row.pk for row in others])
        draft.copy(others, splits={row.pk: split for row in others}, split_by=Image.SplitBy.HAND)
        along = sum(row.pk not in asked for row in rows)
        also = f", with {along:,} that look nearly the same" if along else ""
        text = f"{counted(len(rows) - along)} moved to {SPLIT_WORDS[Image.Split(split)]}{also}."
        return draft.finish(Edit.Action.MOVE, text, len(rows))


def rename_label(*, dataset: Dataset, label: str, name: str) -> Edit | None:
    """Call a label something else; older versions keep its old name.

    Raises:
        UserError: there is no such label, the new name is empty, too long or taken, or pictures are being
            added just now.
    """
    with editing(dataset):
        key = find_label(dataset, label)
        name = label_name(name)
        if name == label:
            return None
        if live_links(dataset).filter(label__name=name).exists():
            raise UserError(
                "label_exists", f"There is a label “{name}” already. Merge “{label}” into it instead."
            )
        text = f"Label “{label}” is now called “{name}”."
        return replace_labels(dataset, [key], name, Edit.Action.RENAME_LABEL, text)


def merge_labels(*, dataset: Dataset, labels: Sequence[str], into: str) -> Edit | None:
    """Have the pictures of some labels carry another one instead, which may be one of them.

    Raises:
        UserError: there is no such label, or pictures are being added just now.
    """
    with editing(dataset):
        keys = [find_label(dataset, label) for label in labels if label != into]
        names = ", ".join(f"“{label}”" for label in labels if label != into)
        text = f"{names} merged into “{label_name(into)}”."
        return replace_labels(dataset, keys, label_name(into), Edit.Action.MERGE_LABELS, text)


def undo_last(*, dataset: Dataset, edit: int | None = None) -> Edit:
    """Take back the last edit that has not been taken back; returns it.

    Args:
        edit: the primary key of the edit that is meant, so that no other one is taken back by mistake.

    Raises:
        UserError: there is nothing to undo (any more), or something else was changed since.
    """
    with editing(dataset):
        version = open_now(dataset)
        last = version.edits.filter(undone=False).first() if version else None
        if last is None:
            raise UserError(
                "nothing_to_undo",
                "There is nothing left to undo: what was changed is saved as a version by now.",
                status=409,
            )
        if edit is not None and last.pk != edit:
            message = "This cannot be undone any more: something else was changed since. Load the page again."
            raise UserError("not_the_last", message, status=409)
        take_back(last)
        return last


def discard_version(*, version: DatasetVersion) -> None:
    """Throw the edits of an open version away: all is as in the version before.

    Raises:
        UserError: it is saved or gone, or pictures are being added just now.
    """
    with editing(version.dataset):
        now = open_now(version.dataset)
        if now is None or now.pk != version.pk:
            raise UserError(
                "sealed",
                f"Version {version.number} is saved, and saved versions never change. Load the page again.",
                status=409,
            )
        discard(now)


@contextmanager
def editing(dataset: Dataset) -> Iterator[None]:
    """One transaction, in which nobody else changes the data set.

    Raises:
        UserError: pictures are being added: what they are compared with must not change meanwhile.
    """
    with transaction.atomic():
        lock(dataset)
        dataset.refresh_from_db()
        if dataset.state == Dataset.State.IMPORTING:
            raise UserError(
                "busy",
                f"Pictures are being added to “{dataset.name}”. Wait until that is done, then change them.",
                status=409,
            )
        yield
        latest = latest_version(dataset.pk)
        enqueue(diagnose_edited, dataset.pk, edit_time(latest) if latest else 0)


def open_now(dataset: Dataset) -> DatasetVersion | None:
    """The version that takes edits, if there is one already."""
    latest = latest_version(dataset.pk)
    return latest if latest and latest.state == DatasetVersion.State.OPEN else None


def leaves_test(dataset: Dataset, rows: Sequence[Image]) -> UserError:
    """The question to ask before test pictures are used for anything else."""
    tested = tested_pictures(dataset)
    used = sum((row.sha256, row.name) in tested for row in rows)
    those = "One of these pictures is" if len(rows) == 1 else f"{len(rows):,} of these pictures are"
    models = ""
    if used:
        models = (
            f" Models were tested on {used:,} of them: figures of later ones cannot be compared with theirs."
        )
    return UserError(
        "leaves_test",
        f"{those} set aside for the test. A network that has learned from a picture cannot be tested on it, "
        f"so a figure from it would be too good.{models} Confirm if you want to move them all the same.",
        status=409,
    )


def replace_labels(
    dataset: Dataset, keys: Sequence[int], name: str, action: Edit.Action, text: str
) -> Edit | None:
    """Have all pictures with some labels carry another one instead."""
    rows = list(live_links(dataset).filter(label__in=keys).values_list("pk", "image_id"))
    images = sorted({image for _, image in rows})
    (key,) = make_labels(dataset, [name]).values()
    draft = Draft(dataset, images)
    draft.unlink([pk for pk, _ in rows])
    had = links_of(images)
    draft.link((image, key) for image in images if key not in had[image])
    return draft.finish(action, text, len(images))


def make_labels(dataset: Dataset, names: Iterable[str]) -> dict[str, int]:
    """Primary keys of labels by name; those that are new are made."""
    wanted = sorted({label_name(name) for name in names})
    Label.objects.bulk_create([Label(dataset=dataset, name=name) for name in wanted], ignore_conflicts=True)
    return dict(Label.objects.filter(dataset=dataset, name__in=wanted).values_list("name", "pk"))


def label_name(name: str) -> str:
    """A label's name as it is stored.

    Raises:
        UserError: it is empty or too long.
    """
    name = " ".join(name.replace("\0", "").encode(errors="ignore").decode().split())
    if not name:
        raise UserError("invalid_label", "Give the label a name.")
    if len(name) > MAX_LABEL:
        raise UserError(
            "invalid_label",
            f"This name has {len(name)} characters; a label can have {MAX_LABEL}. Shorten it.",
        )
    return name


def find_label(dataset: Dataset, name: str) -> int:
    """The primary key of a label.

    Raises:
        UserError: there is none of this name.
    """
    label = Label.objects.filter(dataset=dataset, name=name).first()
    if label is None:
        raise UserError("no_such_label", f"There is no label “{name}” in this data set.", status=404)
    return label.pk


def one_label(dataset: Dataset) -> UserError:
    return UserError(
        "one_label",
        f"A picture of “{dataset.name}” has one label. Set its label instead of adding a second.",
    )


def counted(pictures: int) -> str:
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"
