"""What the doctor found in the pictures of a data set."""

from __future__ import annotations

from django.db import models

from webapp.datasets.models.dataset import Dataset, DatasetVersion
from webapp.datasets.models.images import Image


class Finding(models.Model):
    """Something about the pictures that a person should know, and can mend with a button.

    State: OPEN -> IGNORED by the person (and back), OPEN -> FIXED when a later version does not have it any
    more. The same thing found again in a later version is the same row, known by its key; so what was
    ignored stays ignored.
    """

    class Kind(models.TextChoices):
        UNREADABLE = "unreadable", "Cannot be read"
        TRUNCATED = "truncated", "Cut off"
        EXACT_DUPLICATE = "exact_duplicate", "Exact copies"
        NEAR_DUPLICATE = "near_duplicate", "Nearly the same picture"
        CONFLICTING_LABELS = "conflicting_labels", "One picture under several labels"
        LEAKAGE = "leakage", "Test pictures in training"
        IMBALANCE = "imbalance", "Uneven labels"
        TOO_FEW = "too_few", "Too few pictures of a label"
        EMPTY_LABEL = "empty_label", "Folder without pictures"
        UNLABELLED = "unlabelled", "Without a label"
        ASPECT_RATIO = "aspect_ratio", "Odd shape"
        DARK = "dark", "Too dark"
        BRIGHT = "bright", "Too bright"
        BLURRY = "blurry", "Blurry"
        UNIFORM = "uniform", "Nearly one colour"
        GRAYSCALE = "grayscale", "Grey among colour"
        TINY = "tiny", "Tiny"
        SUSPECT_LABEL = "suspect_label", "Label looks wrong"

    class Severity(models.TextChoices):
        ERROR = "error", "Harms the model"
        WARNING = "warning", "Worth a look"
        NOTE = "note", "Good to know"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        IGNORED = "ignored", "Ignored"
        FIXED = "fixed", "Mended"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="findings")
    version = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, related_name="findings", help_text="The newest that has it."
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    key = models.CharField(max_length=64, help_text="A hash of its kind and of what it is about.")
    message = models.CharField(max_length=500, help_text="What it is and does to a model, in a sentence.")
    files = models.JSONField(default=list, help_text="Names as uploaded, of pictures and of rejected files.")
    images = models.ManyToManyField(Image, related_name="findings")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["dataset", "key"], name="one_finding_a_key")]
        indexes = [models.Index(fields=["dataset", "state", "kind"], name="open_findings")]

    def __str__(self) -> str:
        return self.message
