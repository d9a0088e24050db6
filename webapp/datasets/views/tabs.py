"""The tabs of a data set's page, with how much is behind each."""

from __future__ import annotations

from webapp.datasets import services
from webapp.datasets.models import Dataset, DatasetVersion, Finding

Tab = tuple[str, str, int | None]


def dataset_tabs(dataset: Dataset, version: DatasetVersion) -> list[Tab]:
    """Key, name and count of each tab, in order."""
    return [
        ("pictures", "Pictures", version.pictures),
        ("labels", "Labels", len(services.label_counts(version))),
        ("doctor", "Doctor", dataset.findings.filter(state=Finding.State.OPEN).count()),
        ("versions", "Versions", dataset.versions.count()),
        ("rejected", "Rejected files", services.rejected_files(dataset).count()),
    ]
