from __future__ import annotations

from django.apps import AppConfig

from webapp.core.chores import add_chore


class DatasetsConfig(AppConfig):
    name = "webapp.datasets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from webapp.datasets import caches, recovery, transfers

        add_chore("transfers that stopped", transfers.expire_transfers)
        add_chore("left-over uploads", recovery.sweep_files)
        add_chore("folders of deleted data sets", recovery.sweep_folders)
        add_chore("prepared pictures of deleted data sets", caches.sweep_caches)
