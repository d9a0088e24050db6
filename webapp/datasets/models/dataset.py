"""Data sets and their versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Dataset(models.Model):
    """Labelled pictures of one owner.

    State: EMPTY -> IMPORTING -> READY | FAILED; READY and FAILED -> IMPORTING with the next upload.
    A failed import leaves the versions from before it usable.

    The task says whether a picture has one label or any number of them; the first import settles it.
    """

    class Task(models.TextChoices):
        SINGLE = "single", "One label a picture"
        MULTI = "multi", "Several labels a picture"

    class State(models.TextChoices):
        EMPTY = "empty", "Empty"
        IMPORTING = "importing", "Importing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=State.choices, default=State.EMPTY)
    task = models.CharField(max_length=8, choices=Task.choices, default=Task.SINGLE)
    error = models.TextField(blank=True, help_text="Why the last import failed, and what to do.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> DatasetVersion | None:
        return self.versions.order_by("-number").first()


class DatasetVersion(models.Model):
    """A snapshot of a data set. A search trains on a version.

    An import makes a version, and so does a session of edits. State: OPEN -> SEALED. An import's version is
    sealed from the beginning. Edits go into the latest version while that is open, else they open the next
    one; a search, an export, an import or the person seals it. A sealed version never changes.

    A picture belongs to a version if it was added in it or before, and not removed by then; the same holds
    for a label on a picture. So versions share rows, and nothing is ever copied. What belongs to the latest
    version has no ``removed_in``.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", "Import"
        EDIT = "edit", "Edits"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SEALED = "sealed", "Sealed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.IMPORT)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SEALED)
    name = models.CharField(max_length=120, blank=True, help_text="What the person calls it, if anything.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True, help_text="When the last edit was made.")
    pictures = models.PositiveIntegerField(default=0)
    summary = models.JSONField(
        default=dict, help_text='{"labels": {name: count}, "splits": {split: count}, "unlabelled": count}'
    )
    changes = models.JSONField(
        default=dict,
        help_text='Against the version before: counts of "added", "removed", "relabelled" and "moved"',
    )

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


class Edit(models.Model):
    """One act of a person on the pictures of an open version, so that it can be told and undone.

    The latest one that is not undone can be undone while its version is open.
    """

    class Action(models.TextChoices):
        RELABEL = "relabel", "Label changed"
        ADD_LABEL = "add_label", "Label added"
        REMOVE_LABEL = "remove_label", "Label taken off"
        REMOVE = "remove", "Removed"
        RESTORE = "restore", "Restored"
        MOVE = "move", "Moved to another split"
        MERGE_LABELS = "merge_labels", "Labels merged"
        RENAME_LABEL = "rename_label", "Label renamed"

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="edits")
    action = models.CharField(max_length=16, choices=Action.choices)
    text = models.CharField(max_length=300, help_text="What was done, as a sentence.")
    pictures = models.PositiveIntegerField()
    undo = models.JSONField(default=dict, help_text="What takes it back; written and read by services only.")
    undone = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text
