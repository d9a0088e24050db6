from __future__ import annotations

from django.apps import AppConfig


class TrainedConfig(AppConfig):
    name = "webapp.trained"
    default_auto_field = "django.db.models.BigAutoField"
