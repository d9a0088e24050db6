"""The shapes of answers about data sets."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from webapp.datasets import services
from webapp.datasets.models import Dataset, RejectedFile


class ErrorDetail(Schema):
    code: str = Field(description="Short and stable, for programs.")
    message: str = Field(description="What happened and what to do, for people.")


class ErrorOut(Schema):
    error: ErrorDetail


class DatasetIn(Schema):
    name: str = Field(description="At most 120 characters.", examples=["Bottles and cans"])


class ServerPathIn(Schema):
    path: str = Field(description="The whole path of a folder or an archive.", examples=["/srv/pictures"])
    label: str = Field("", description="For pictures in it that come without one.")


class CountsOut(Schema):
    accepted: int = Field(description="Files that became pictures.")
    rejected: int = Field(description="Files that did not; see `rejected` for the reasons.")
    total: int = Field(description="Always accepted + rejected. Files of the operating system do not count.")


class LabelOut(Schema):
    name: str
    count: int


class ProgressOut(Schema):
    done: int = Field(description="Files of the latest upload that have been looked at.")
    total: int = Field(description="Files in the latest upload; 0 until they have been counted.")


class DatasetOut(Schema):
    id: int
    name: str
    state: str = Field(description="`empty`, `importing`, `ready` or `failed`.")
    task: str = Field(description="`single`: one label a picture, or `multi`: any number of them.")
    error: str | None = Field(description="Why the latest import failed, if it did.")
    version: int | None = Field(description="Number of the latest version, on which a search would train.")
    counts: CountsOut
    labels: list[LabelOut] = Field(description="Of the latest version, by name.")
    progress: ProgressOut
    created_at: datetime

    @classmethod
    def of(cls, dataset: Dataset) -> DatasetOut:
        latest, upload, counts = (
            dataset.latest,
            services.latest_upload(dataset),
            services.import_counts(dataset),
        )
        labels = services.label_counts(latest) if latest else {}
        return cls(
            id=dataset.pk,
            name=dataset.name,
            state=dataset.state,
            task=dataset.task,
            error=dataset.error or None,
            version=latest.number if latest else None,
            counts=CountsOut(accepted=counts.accepted, rejected=counts.rejected, total=counts.total),
            labels=[LabelOut(name=name, count=count) for name, count in labels.items()],
            progress=ProgressOut(done=upload.done if upload else 0, total=upload.total if upload else 0),
            created_at=dataset.created_at,
        )


class RejectedOut(Schema):
    file: str = Field(description="Path inside the upload.")
    code: str
    reason: str = Field(description="What is wrong with it and what to do, for people.")

    @classmethod
    def of(cls, rejected: RejectedFile) -> RejectedOut:
        return cls(file=rejected.name, code=rejected.code, reason=rejected.reason)
