"""Trained models: what a search leaves behind, to try, download and call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models


class TrainedModel(models.Model):
    """The model of a search. One row a search, so its address never changes while the search improves it.

    State: PROVISIONAL (best so far; no test figure) -> FINAL (sealed test opened). A new bundle is written
    beside the old one and the row switched to it, so a request always meets a whole bundle.
    """

    class State(models.TextChoices):
        PROVISIONAL = "provisional", "Best so far"
        FINAL = "final", "Final"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trained_models"
    )
    search = models.OneToOneField("searches.Search", on_delete=models.CASCADE, related_name="model")
    trial = models.ForeignKey("searches.Trial", on_delete=models.CASCADE, related_name="trained_models")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PROVISIONAL)
    revision = models.PositiveIntegerField(default=1)
    bundle = models.CharField(max_length=255, help_text="Folder of the bundle, relative to DATA_DIR.")
    labels = models.JSONField(help_text="In the order of the network's outputs.")
    card = models.JSONField(default=dict, help_text="The bundle's model.json.")
    test_accuracy = models.FloatField(null=True, blank=True)
    test_pictures = models.PositiveIntegerField(null=True, blank=True)
    test_low = models.FloatField(null=True, blank=True, help_text="Lower end of the 95 % Wilson interval.")
    test_high = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def bundle_path(self) -> Path:
        return Path(settings.DATA_DIR) / self.bundle

    @property
    def is_multi(self) -> bool:
        """Whether a picture may have several of its labels; accuracies are then shares of labels."""
        return bool(self.card.get("task") == "multi-label")

    @property
    def counted(self) -> str:
        """What accuracies count."""
        return "labels of pictures" if self.is_multi else "pictures"

    @property
    def test(self) -> dict[str, Any] | None:
        """The sealed test: accuracy, n, interval, per_class and more; None while provisional."""
        test: dict[str, Any] | None = self.card.get("test")
        return test
