"""Pictures and labels, from one version of a data set on until another."""

from __future__ import annotations

from django.db import models

from webapp.datasets.models.dataset import Dataset, DatasetVersion


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
    """A picture, kept byte for byte as uploaded under its SHA-256; the thumbnail is WebP.

    A row does not change once its version is sealed, but for the facts that the doctor measures. A picture
    that moves to another split, or comes back, is removed in that version and added again as a new row.
    A picture without labels is unlabelled: it is kept, and nothing is trained on it.
    """

    class Split(models.TextChoices):
        TRAIN = "train", "Training"
        VALIDATION = "validation", "Validation"
        TEST = "test", "Test"

    class SplitBy(models.TextChoices):
        AUTO = "auto", "Drawn"
        FOLDER = "folder", "Given by the upload"
        HAND = "hand", "Moved by hand"

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
    split = models.CharField(max_length=12, choices=Split.choices)
    split_by = models.CharField(max_length=8, choices=SplitBy.choices, default=SplitBy.AUTO)
    group = models.CharField(
        max_length=64,
        blank=True,
        help_text="Near-duplicates share it and are in one split; empty for a picture that has none.",
    )

    # What the doctor measured (search_engine.data.quality); null for pictures from before it did.
    phash = models.BigIntegerField(null=True, help_text="Perceptual hash, 64 bits, signed.")
    brightness = models.FloatField(null=True, help_text="Mean of the luma, 0 to 1.")
    contrast = models.FloatField(null=True, help_text="Standard deviation of the luma, 0 to 1.")
    sharpness = models.FloatField(null=True)
    is_gray = models.BooleanField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["dataset", "added_in", "removed_in"]),
            models.Index(fields=["dataset", "removed_in", "sha256", "id"], name="wall_mixed"),
            models.Index(fields=["dataset", "removed_in", "split", "sha256", "id"], name="wall_split"),
            models.Index(fields=["dataset", "removed_in", "name", "id"], name="wall_name"),
            models.Index(fields=["dataset", "removed_in", "id"], name="wall_newest"),
        ]

    @property
    def group_key(self) -> str:
        """What pictures that must be in one split have in common."""
        return self.group or self.sha256

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
        indexes = [
            models.Index(fields=["label", "removed_in", "image"], name="pictures_of_a_label"),
            models.Index(fields=["image", "removed_in", "label"], name="labels_of_a_picture"),
        ]

    def __str__(self) -> str:
        return f"{self.image}: {self.label}"


class Opinion(models.Model):
    """What the newest model of a data set thinks of a picture that it had not learned from.

    Written when a search ends (``opinions.record_opinions``); a picture has at most one.
    """

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="opinion")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="opinions")
    search_id = models.PositiveBigIntegerField(help_text="Whose model it was; searches are above data sets.")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", help_text="The likeliest.")
    confidence = models.FloatField(help_text="Probability of the likeliest label.")
    own = models.FloatField(help_text="Probability of the label that the picture has.")
    suspicion = models.FloatField(help_text="How likely its label is wrong: higher is more suspect, 0 to 1.")

    class Meta:
        ordering = ["-suspicion", "image_id"]
        indexes = [
            models.Index(fields=["dataset", "-suspicion", "image"], name="by_suspicion"),
            models.Index(fields=["dataset", "confidence", "image"], name="by_confidence"),
        ]

    def __str__(self) -> str:
        return f"{self.image}: {self.label} ({self.confidence:.0%})"
