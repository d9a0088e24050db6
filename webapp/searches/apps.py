from __future__ import annotations

from django.apps import AppConfig


class SearchesConfig(AppConfig):
    name = "webapp.searches"
    default_auto_field = "django.db.models.BigAutoField"
