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


class LabelOfSeveral(LabelFigures):
    """Where pictures may have several labels."""

    threshold: float = Field(description="The probability from which a picture has it.")
    average_precision: float | None
    counts: list[list[int]] = Field(
        description="Rows are pictures without it and with it, columns not given and given."
    )


class TestedOut(Schema):
    """What is said of a test in any case."""

    accuracy: float
    n: int = Field(description="Test pictures; the search never looked at them.")
    opened: int = Field(
        1,
        description="How often they were opened to test a model of this search: more than once if minutes "
        "were added after its end, and the figures are then a little less trustworthy.",
    )
    interval: list[float] = Field(description="95 % confidence interval of the accuracy, low and high.")


class TestOut(TestedOut):
    """Where each picture has one label."""

    per_class: list[LabelFigures]
    confusion: list[list[int]] = Field(description="Rows are true labels, columns predicted ones.")
    log_loss: float | None = None
    macro_f1: float | None = None


class TestOfSeveral(TestedOut):
    """Where pictures may have several labels; accuracy is the share of all labels of all pictures."""

    decisions: int = Field(description="Labels times pictures, of which accuracy is a share.")
    subset_accuracy: float = Field(description="Share of pictures with every label right.")
    mean_average_precision: float | None
    per_class: list[LabelOfSeveral]
    log_loss: float
    macro_f1: float | None


class ValidationOut(Schema):
    accuracy: float
    n: int = Field(description="Pictures that judged it, each before it had learned from it.")
    folds: int = Field(1, description="Of a cross-validation; 1: the validation pictures alone judged it.")


class ValidationOfSeveral(ValidationOut):
    """Where pictures may have several labels."""

    subset_accuracy: float
    mean_average_precision: float | None


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
    task: str = Field(
        description="`single-label`, or `multi-label`: a picture may have several of its labels."
    )
    labels: list[str] = Field(description="In the order of the network's outputs.")
    thresholds: list[float] | None = Field(
        None, description="The probability from which a picture has each label; null for `single-label`."
    )
    test: TestOut | TestOfSeveral | None = Field(description="Null while the model is provisional.")
    validation: ValidationOfSeveral | ValidationOut | None
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
        tested = TestOfSeveral if model.is_multi else TestOut
        validated = ValidationOfSeveral if model.is_multi else ValidationOut
        plain = ("genome", "genome_hash", "resolution", "parameters", "macs", "size_bytes")
        return cls(
            id=model.pk,
            name=model.name,
            state=model.state,
            revision=model.revision,
            search=model.search_id,
            trial=model.trial.number,
            task=card.get("task", "single-label"),
            labels=model.labels,
            thresholds=card.get("thresholds"),
            test=tested(**model.test) if model.test else None,
            validation=validated(**card["validation"]) if card.get("validation") else None,
            parity=ParityOut(**card["parity"]) if card.get("parity") else None,
            created_at=model.created_at,
            updated_at=model.updated_at,
            **{key: card.get(key) for key in plain},
        )


class PredictionOut(Schema):
    label: str
    probability: float
    chosen: bool | None = Field(
        None, description="Of a `multi-label` model: whether the picture has it; otherwise not there."
    )


class AnswerOut(Schema):
    model: int
    predictions: list[PredictionOut] = Field(description="Most probable first.")
