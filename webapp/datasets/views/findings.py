"""The doctor's tab: what is wrong with the pictures, by kind, with buttons that mend it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned, owned
from webapp.datasets import diagnosing, mending
from webapp.datasets.models import Dataset, Finding, Image
from webapp.datasets.views.tabs import dataset_tabs
from webapp.datasets.views.wall import latest_context

FEW = 4  # findings of a kind on the overview
FEW_PICTURES = 8  # of kinds whose findings are one picture each
PAGE = 24  # findings of the one kind that is looked at
SHOWN = 6  # pictures of a finding

BADGES = {"error": "broken", "warning": "attention", "note": ""}
SEVERITIES: list[str] = Finding.Severity.values
KINDS: list[str] = Finding.Kind.values


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as the page shows it.

    Attributes:
        pictures: the first of those that are still there, with their labels and split.
        more: how many there are besides.
        labels: to choose from, where labels conflict.
        mendable: whether the button of its kind would change anything.
    """

    row: Finding
    pictures: list[Image]
    more: int
    labels: list[str]
    mendable: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The findings of one kind.

    Attributes:
        mend: the name of what the button does, and what is written on it; empty where there is none.
        rest: how many are not on this page.
        single: whether each finding is about one picture.
        lead: what is said once for all of them then.
    """

    kind: str
    name: str
    severity: str
    badge: str
    count: int
    page: Page[Finding]
    findings: list[Shown]
    rest: int
    single: bool
    lead: str
    mend: tuple[str, str, str] | None = None
    link: tuple[str, str] | None = field(default=None)


@require_POST
def act(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Mend, ignore or reopen one finding, or all open ones of a kind."""
    dataset = get_owned(Dataset, request.user, pk=pk)
    kind = request.POST.get("kind", "")
    try:
        text, level = done(request, dataset), messages.SUCCESS
    except UserError as error:
        text, level = error.message, messages.ERROR
    version = dataset.latest
    if not request.htmx or version is None:
        messages.add_message(request, level, text)
        only = {"kind": kind} if request.POST.get("stay") else {}
        address = reverse("datasets:detail", kwargs={"pk": pk})
        return redirect(f"{address}?{urlencode({'tab': 'doctor', **only})}")
    context = findings_context(request, dataset) | latest_context(dataset, version)
    context |= {"tabs": dataset_tabs(dataset, version), "said": text, "failed": level == messages.ERROR}
    return render(request, "datasets/_findings_acted.html", context)


def done(request: AuthenticatedRequest, dataset: Dataset) -> str:
    """Do what was asked for; what became of it in words.

    Raises:
        UserError: it cannot be done.
    """
    action, finding = request.POST.get("action", ""), request.POST.get("finding", "")
    findings = owned(Finding, request.user).filter(dataset=dataset)
    if finding:
        findings = findings.filter(pk=int(finding) if finding.isdecimal() and len(finding) < 19 else 0)
    else:
        findings = findings.filter(kind=request.POST.get("kind", ""), state=Finding.State.OPEN)
    if not findings.exists():
        raise UserError(
            "no_such_finding", "There is no such finding any more. Load the page again.", status=404
        )
    if action == "ignore":
        return f"{counted(diagnosing.ignore_findings(findings=findings))} ignored."
    if action == "reopen":
        return f"{counted(diagnosing.reopen_findings(findings=findings))} open again."
    if action not in mending.MENDS:
        raise UserError("no_such_action", "There is nothing of this name to do. Load the page again.")
    values = {"label": request.POST.get("label", "")} if action == "choose_label" else {}
    edit = mending.MENDS[action](dataset=dataset, findings=findings, **values)
    return edit.text if edit else "There was nothing left to change."


def counted(findings: int) -> str:
    return "1 finding is" if findings == 1 else f"{findings:,} findings are"


def findings_context(request: AuthenticatedRequest, dataset: Dataset) -> dict[str, Any]:
    """The open findings by kind, the most severe first; all of one kind, if that is asked for."""
    asked = request.GET.get("kind") or (request.POST.get("kind") if request.POST.get("stay") else "")
    opened = dataset.findings.filter(state=Finding.State.OPEN)
    facts = list(opened.order_by().values_list("kind", "severity").annotate(Count("pk")))
    counts: Counter[str] = Counter()
    worst: dict[str, str] = {}
    for kind, severity, count in facts:
        counts[kind] += count
        if kind not in worst or SEVERITIES.index(severity) < SEVERITIES.index(worst[kind]):
            worst[kind] = severity
    kinds = sorted(counts, key=lambda kind: (SEVERITIES.index(worst[kind]), KINDS.index(kind)))
    only = asked if asked in counts else ""
    number = request.GET.get("page") if only else None
    sections = [
        section(
            dataset, opened.filter(kind=kind), kind, worst[kind], number if only else None, only=bool(only)
        )
        for kind in kinds
        if not only or kind == only
    ]
    ignored = dataset.findings.filter(state=Finding.State.IGNORED)
    return {
        "dataset": dataset,
        "sections": sections,
        "only": only,
        "query": urlencode({"kind": only}) if only else "",
        "ignored": ignored.count(),
        "ignored_findings": [] if only else ignored[:PAGE],
        "mended": dataset.findings.filter(state=Finding.State.FIXED).count(),
        "severities": [
            (name, BADGES[key], sum(count for _, severity, count in facts if severity == key))
            for key, name in Finding.Severity.choices
        ],
    }


def section(
    dataset: Dataset, findings: QuerySet[Finding], kind: str, severity: str, number: str | None, *, only: bool
) -> Section:
    single = kind in mending.ODD
    few = FEW_PICTURES if single else FEW
    page = Paginator(findings.order_by("severity", "pk"), PAGE if only else few).get_page(number)
    rows = shown(list(page.object_list))
    return Section(
        kind=kind,
        name=Finding.Kind(kind).label,
        severity=Finding.Severity(severity).label,
        badge=BADGES[severity],
        count=page.paginator.count,
        page=page,
        findings=rows,
        rest=page.paginator.count - len(page.object_list),
        single=single,
        lead=next((each.row.message for each in rows if single and each.pictures), ""),
        mend=mend_of(kind),
        link=link_of(kind, dataset),
    )


def shown(rows: list[Finding]) -> list[Shown]:
    """Findings with the first of their pictures, in three queries."""
    through = Finding.images.through.objects
    links = through.filter(finding__in=[row.pk for row in rows], image__removed_in=None)
    of_finding: dict[int, list[int]] = {}
    for finding, image in links.order_by("image_id").values_list("finding_id", "image_id"):
        of_finding.setdefault(finding, []).append(image)
    wanted = {pk for those in of_finding.values() for pk in those[:SHOWN]}
    by_pk = Image.objects.prefetch_related("image_labels__label").in_bulk(wanted)
    for each in by_pk.values():
        each.names = [link.label.name for link in each.image_labels.all() if link.removed_in_id is None]  # type: ignore[attr-defined]
    result = []
    for row in rows:
        pictures = [by_pk[pk] for pk in of_finding.get(row.pk, [])[:SHOWN]]
        labels = sorted({name for picture in pictures for name in picture.names})  # type: ignore[attr-defined]
        more = len(of_finding.get(row.pk, [])) - len(pictures)
        result.append(Shown(row, pictures, more, labels, is_mendable(row.kind, pictures)))
    return result


def is_mendable(kind: str, pictures: list[Image]) -> bool:
    if kind in mending.ALIKE:  # one is kept of each label
        return len(pictures) > len({tuple(picture.names) for picture in pictures})  # type: ignore[attr-defined]
    if kind == Finding.Kind.LEAKAGE:
        return len({picture.split for picture in pictures}) > 1
    return bool(pictures) and kind in mending.ODD


def mend_of(kind: str) -> tuple[str, str, str] | None:
    """What the button of a kind does: action, words for one finding, words for all."""
    if kind in mending.ODD:
        return ("remove", "Remove", "Remove all")
    if kind in mending.ALIKE:
        return ("keep_best", "Keep the best", "Keep the best of each")
    if kind == Finding.Kind.LEAKAGE:
        return ("take_from_training", "Take out of training", "Take all out of training")
    return None


def link_of(kind: str, dataset: Dataset) -> tuple[str, str] | None:
    """Where something can be done about a kind that no button can do."""
    page = reverse("datasets:detail", kwargs={"pk": dataset.pk})
    if kind in (Finding.Kind.UNREADABLE, Finding.Kind.TRUNCATED):
        return (f"{page}?tab=rejected", "See all rejected files")
    if kind in (Finding.Kind.TOO_FEW, Finding.Kind.IMBALANCE, Finding.Kind.EMPTY_LABEL):
        return (reverse("datasets:upload", kwargs={"pk": dataset.pk}), "Add pictures")
    if kind == Finding.Kind.UNLABELLED:
        return (reverse("datasets:label", kwargs={"pk": dataset.pk}), "Label them")
    return None
