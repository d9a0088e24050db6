"""What the doctor found, over HTTP."""

from __future__ import annotations

from typing import Literal

from ninja import Field, Query, Router, Schema

from webapp.api.schemas import ErrorOut
from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import diagnosing
from webapp.datasets.models import Dataset, Finding

router = Router()


class FindingOut(Schema):
    id: int
    kind: str = Field(description="What it is about, such as `exact_duplicate`.")
    severity: str = Field(description="`error`, `warning` or `note`.")
    state: str = Field(description="`open`, `ignored` or `fixed`.")
    files: list[str] = Field(description="Names as uploaded, of pictures and of rejected files.")
    message: str = Field(description="What it is and what it does to a model, in a sentence.")

    @classmethod
    def of(cls, finding: Finding) -> FindingOut:
        return cls(
            id=finding.pk,
            kind=finding.kind,
            severity=finding.severity,
            state=finding.state,
            files=finding.files,
            message=finding.message,
        )


class FindingFilter(Schema):
    kind: str | None = Field(None, description="Only these.")
    state: Literal["open", "ignored", "fixed"] | None = Field(None, description="Only these.")


@router.get(
    "/{int:dataset_id}/findings",
    response={200: list[FindingOut], 400: ErrorOut, 404: ErrorOut},
    summary="List what the doctor found",
)
def list_findings(
    request: AuthenticatedRequest, dataset_id: int, filters: Query[FindingFilter]
) -> list[FindingOut]:
    """Everything that may harm a model, and what became of it. Found anew after each import and edit."""
    dataset = get_owned(Dataset, request.user, pk=dataset_id)
    if filters.kind is not None and filters.kind not in Finding.Kind.values:
        kinds = ", ".join(Finding.Kind.values)
        raise UserError("no_such_kind", f"There is no kind “{filters.kind[:50]}”. The kinds are: {kinds}.")
    wanted = filters.model_dump(exclude_none=True)
    return [FindingOut.of(finding) for finding in dataset.findings.filter(**wanted)]


@router.post(
    "/{int:dataset_id}/findings/{int:finding_id}/ignore",
    response={200: FindingOut, 404: ErrorOut, 409: ErrorOut},
    summary="Ignore a finding",
)
def ignore_finding(request: AuthenticatedRequest, dataset_id: int, finding_id: int) -> FindingOut:
    """It is no trouble, and stays ignored when it is found again."""
    finding = changeable(request, dataset_id, finding_id)
    diagnosing.ignore_findings(findings=Finding.objects.filter(pk=finding.pk))
    finding.refresh_from_db()
    return FindingOut.of(finding)


@router.post(
    "/{int:dataset_id}/findings/{int:finding_id}/reopen",
    response={200: FindingOut, 404: ErrorOut, 409: ErrorOut},
    summary="Do not ignore a finding any more",
)
def reopen_finding(request: AuthenticatedRequest, dataset_id: int, finding_id: int) -> FindingOut:
    """It is open again."""
    finding = changeable(request, dataset_id, finding_id)
    diagnosing.reopen_findings(findings=Finding.objects.filter(pk=finding.pk))
    finding.refresh_from_db()
    return FindingOut.of(finding)


def changeable(request: AuthenticatedRequest, dataset_id: int, finding_id: int) -> Finding:
    """A finding that can be ignored.

    Raises:
        UserError: it was mended, so there is nothing to ignore.
    """
    finding = get_owned(Finding, request.user, pk=finding_id, dataset=dataset_id)
    if finding.state == Finding.State.FIXED:
        raise UserError("mended", "This has been mended already, so there is nothing to do.", status=409)
    return finding
