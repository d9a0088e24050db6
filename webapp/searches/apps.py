from __future__ import annotations

from django.apps import AppConfig


class SearchesConfig(AppConfig):
    name = "webapp.searches"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from webapp.core.chores import add_chore
        from webapp.searches.sweeping import remove_orphans

        add_chore("files of deleted searches", remove_orphans)
