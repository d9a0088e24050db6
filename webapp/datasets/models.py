"""Data sets: pictures, labels, immutable versions, and what happened to every uploaded file."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Dataset(models.Model):
    """Labelled pictures of one owner.

    State: EMPTY -> IMPORTING -> READY | FAILED; READY and FAILED -> IMPORTING with the next upload.
    A failed import leaves the versions from before it usable.
    """

    class State(models.TextChoices):
        EMPTY = "empty", "Empty"
        IMPORTING = "importing", "Importing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=State.choices, default=State.EMPTY)
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
    """An immutable snapshot of a data set. A search trains on a version.

    A picture belongs to a version if it was added in it or before, and not removed by then; the same holds
    for a label on a picture. So versions share rows, and nothing is ever copied.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    pictures = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict, help_text='{"labels": {name: count}, "splits": {split: count}}')

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


class Upload(models.Model):
    """A file that somebody sent, and its import.

    State: QUEUED -> RUNNING -> FINISHED | FAILED. RUNNING -> QUEUED when its worker died (at most twice).
    An import is all or nothing: version, pictures and rejected files are committed together.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Importing"
        FINISHED = "finished", "Imported"
        FAILED = "failed", "Failed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="uploads")
    version = models.OneToOneField(
        DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="upload"
    )
    name = models.CharField(max_length=255, help_text="File name as uploaded.")
    path = models.CharField(
        max_length=255, help_text="Where it lies, relative to DATA_DIR; server-made name."
    )
    size = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0, help_text="Files looked at.")
    total = models.PositiveIntegerField(default=0, help_text="Files in it, system files left out.")
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    """A name that pictures carry; from a folder name, in any script."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=255)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["dataset", "name"], name="one_label_a_name")]

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    """A picture, kept byte for byte as uploaded under its SHA-256; the thumbnail is WebP."""

    class Split(models.TextChoices):
        TRAIN = "train", "Training"
        VALIDATION = "validation", "Validation"
        TEST = "test", "Test"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="images")
    labels = models.ManyToManyField(Label, through="ImageLabel", related_name="images")
    added_in = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="added_images")
    removed_in = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="removed_images"
    )
    name = models.CharField(max_length=1024, help_text="Path inside the upload, as uploaded.")
    sha256 = models.CharField(max_length=64, db_index=True)
    format = models.CharField(max_length=8)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes.")
    split = models.CharField(max_length=12, choices=Split.choices, help_text="Never changes, in any version.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["dataset", "added_in", "removed_in"])]

    def __str__(self) -> str:
        return self.name


class ImageLabel(models.Model):
    """A label on a picture, from one version on until another."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="image_labels")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="image_labels")
    added_in = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="+")
    removed_in = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["image", "label", "added_in"], name="one_label_an_image_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.image}: {self.label}"


class RejectedFile(models.Model):
    """A file of an upload that did not become a picture, and why. System files are not listed."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="rejected_files")
    name = models.CharField(max_length=1024)
    code = models.CharField(max_length=32, help_text="A value of search_engine.data.scan.Reason.")
    reason = models.CharField(max_length=500, help_text="A sentence for people: what is wrong, what to do.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name}: {self.code}"
