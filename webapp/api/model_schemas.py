"""The shapes of answers about trained models."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from webapp.trained.models import TrainedModel


class LabelFigures(Schema):
    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    n: int = Field(description="Test pictures of this label.")


class TestOut(Schema):
    accuracy: float
    n: int = Field(description="Test pictures; the search never looked at them.")
    opened: int = Field(
        1,
        description="How often they were opened to test a model of this search: more than once if minutes "
        "were added after its end, and the figures are then a little less trustworthy.",
    )
    interval: list[float] = Field(description="95 % confidence interval of the accuracy, low and high.")
    per_class: list[LabelFigures]
    confusion: list[list[int]] = Field(description="Rows are true labels, columns predicted ones.")
    log_loss: float | None = None
    macro_f1: float | None = None


class ValidationOut(Schema):
    accuracy: float
    n: int = Field(description="Pictures that judged it, each before it had learned from it.")
    folds: int = Field(1, description="Of a cross-validation; 1: the validation pictures alone judged it.")


class ParityOut(Schema):
    max_abs_diff: float = Field(description="Largest difference of a probability, training against export.")
    n: int


class ModelOut(Schema):
    id: int
    name: str
    state: str = Field(description="`provisional` while the search goes on, then `final`.")
    revision: int = Field(description="Grows whenever the search replaces the model by a better one.")
    search: int
    trial: int = Field(description="Number of the candidate that it was made from.")
    labels: list[str] = Field(description="In the order of the network's outputs.")
    test: TestOut | None = Field(description="Null while the model is provisional.")
    validation: ValidationOut | None
    parity: ParityOut | None
    genome: dict[str, Any] | None
    genome_hash: str | None
    resolution: int | None = Field(description="Side in pixels at which the network sees pictures.")
    parameters: int | None
    macs: int | None
    size_bytes: int | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, model: TrainedModel) -> ModelOut:
        card = model.card
        plain = ("genome", "genome_hash", "resolution", "parameters", "macs", "size_bytes")
        return cls(
            id=model.pk,
            name=model.name,
            state=model.state,
            revision=model.revision,
            search=model.search_id,
            trial=model.trial.number,
            labels=model.labels,
            test=TestOut(**model.test) if model.test else None,
            validation=ValidationOut(**card["validation"]) if card.get("validation") else None,
            parity=ParityOut(**card["parity"]) if card.get("parity") else None,
            created_at=model.created_at,
            updated_at=model.updated_at,
            **{key: card.get(key) for key in plain},
        )


class PredictionOut(Schema):
    label: str
    probability: float


class AnswerOut(Schema):
    model: int
    predictions: list[PredictionOut] = Field(description="Most probable first.")
