"""The shape of answers about labels that look wrong."""

from __future__ import annotations

from ninja import Field, Schema

from webapp.datasets.opinions import Suspect


class SuspectOut(Schema):
    picture: int = Field(description="Number of the picture.")
    file: str = Field(description="Path inside the upload.")
    split: str = Field(description="`train`, `validation` or `test`.")
    label: str = Field(description="That it has.")
    likeliest: str = Field(description="What the newest model takes it for.")
    probability: float = Field(description="Of that, 0 to 1.")
    own: float = Field(description="Probability of the label that it has.")
    suspicion: float = Field(description="0 to 1; the higher, the more suspect.")

    @classmethod
    def of(cls, suspect: Suspect) -> SuspectOut:
        opinion = suspect.opinion
        return cls(
            picture=suspect.image.pk,
            file=suspect.image.name,
            split=suspect.image.split,
            label=suspect.label,
            likeliest=opinion.label.name,
            probability=opinion.confidence,
            own=opinion.own,
            suspicion=opinion.suspicion,
        )
