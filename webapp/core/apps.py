from __future__ import annotations

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    name = "webapp.core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Uploads go to tmp while they arrive and are then renamed, so both must lie on one file system.
        for folder in ("tmp", "uploads"):
            (Path(settings.DATA_DIR) / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
