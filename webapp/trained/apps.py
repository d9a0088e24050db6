from __future__ import annotations

from django.apps import AppConfig


class TrainedConfig(AppConfig):
    name = "webapp.trained"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from webapp.searches import publishing
        from webapp.trained.services import publish_model

        publishing.register(publish_model)
