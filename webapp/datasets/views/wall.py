"""The wall of pictures: what it shows, and what is done to the pictures that are selected on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.core.errors import UserError
from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.core.views.live import reload_page
from webapp.datasets import editing, wall
from webapp.datasets.forms import PictureFilterForm
from webapp.datasets.models import Dataset, DatasetVersion, Edit, Finding, Image
from webapp.datasets.versions import changes_in_words
from webapp.datasets.views.tabs import dataset_tabs

Kind = Finding.Kind
OF_A_LABEL = (Kind.TOO_FEW, Kind.IMBALANCE, Kind.EMPTY_LABEL, Kind.UNLABELLED)  # and of no single picture
SHOWN_WITH_HTMX = (400, 409)  # htmx shows answers of these; the rest it takes for failures


@dataclass(frozen=True, slots=True)
class Toast:
    """What became of an edit, in words.

    Attributes:
        undo: the primary key of the edit that can be undone.
        confirm: the action that does it all the same, and what is written on its button.
    """

    text: str
    kind: str = "done"
    undo: int | None = None
    confirm: tuple[str, str] | None = None


@require_safe
def pictures(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    latest = dataset.latest
    query = wall_query(request)
    query["tab"] = "pictures"
    address = f"{reverse('datasets:detail', kwargs={'pk': pk})}?{query.urlencode()}"
    if latest is None or not request.htmx:
        return redirect(address)
    context = wall_context(request, dataset, shown_version(request, dataset, latest))
    if "after" in request.GET:
        return render(request, "datasets/_tiles.html", context)
    response = render(request, "datasets/_pictures.html", context)
    response["HX-Push-Url"] = address
    return response


@require_POST
def edit(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Do something to the pictures that are selected, or to all that the filters let through."""
    dataset = get_owned(Dataset, request.user, pk=pk)
    action = request.POST.get("action", "")
    try:
        done = ACTIONS[action](dataset, selected(request, dataset), request) if action in ACTIONS else None
    except UserError as error:
        confirm = ("move_confirmed", "Move them all the same") if error.code == "leaves_test" else None
        kind = "attention" if confirm else "broken"
        return refuse(request, dataset, Toast(error.message, kind, confirm=confirm), error.status)
    if done is None:
        return answer(request, dataset, Toast("There was nothing to change.", "attention"))
    return answer(request, dataset, Toast(done.text, undo=done.pk))


@require_POST
def undo(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    wanted = request.POST.get("edit", "")
    try:
        done = editing.undo_last(dataset=dataset, edit=int(wanted) if wanted.isdecimal() else None)
    except UserError as error:
        return refuse(request, dataset, Toast(error.message, "broken"), error.status)
    return answer(request, dataset, Toast(f"Undone: {done.text}"))


def selected(request: AuthenticatedRequest, dataset: Dataset) -> list[int]:
    """The pictures that an edit is about.

    Raises:
        UserError: there are none.
    """
    latest = dataset.latest
    if request.POST.get("all") and latest:
        return wall.matching_ids(latest, filters_of(request, latest)[1])
    given = [*request.POST.getlist("images"), *request.POST.get("ids", "").split(",")]
    found = [int(each) for each in given if each.isdecimal() and len(each) < 19]
    if not found:
        raise UserError("nothing_selected", "No picture is selected. Select some first.")
    return found


Act = Callable[[Dataset, list[int], AuthenticatedRequest], Edit | None]

ACTIONS: dict[str, Act] = {
    "relabel": lambda dataset, images, request: editing.relabel(
        dataset=dataset, images=images, labels=[request.POST.get("label", "")]
    ),
    "relabel_all": lambda dataset, images, request: editing.relabel(
        dataset=dataset, images=images, labels=request.POST.getlist("labels")
    ),
    "add": lambda dataset, images, request: editing.add_label(
        dataset=dataset, images=images, label=request.POST.get("label", "")
    ),
    "take": lambda dataset, images, request: editing.remove_label(
        dataset=dataset, images=images, label=request.POST.get("label", "")
    ),
    "unlabel": lambda dataset, images, _: editing.relabel(dataset=dataset, images=images, labels=[]),
    "remove": lambda dataset, images, _: editing.remove_pictures(dataset=dataset, images=images),
    "restore": lambda dataset, images, _: editing.restore_pictures(dataset=dataset, images=images),
    "move": lambda dataset, images, request: editing.move_to_split(
        dataset=dataset, images=images, split=request.POST.get("split", "")
    ),
    "move_confirmed": lambda dataset, images, request: editing.move_to_split(
        dataset=dataset, images=images, split=request.POST.get("split", ""), confirmed=True
    ),
}


def answer(request: AuthenticatedRequest, dataset: Dataset, toast: Toast) -> HttpResponse:
    """The wall as it is now, and what was done in words."""
    latest = dataset.latest
    if not request.htmx or latest is None:
        level = messages.SUCCESS if toast.kind == "done" else messages.WARNING
        messages.add_message(request, level, toast.text)
        return redirect(back(request, dataset))
    if "stay" in request.POST:
        messages.success(request, toast.text)
        return reload_page()
    context = wall_context(request, dataset, latest) | latest_context(dataset, latest)
    context |= {"toast": toast, "tabs": dataset_tabs(dataset, latest)}
    return render(request, "datasets/_edited.html", context)


def refuse(request: AuthenticatedRequest, dataset: Dataset, toast: Toast, status: int) -> HttpResponse:
    """Why nothing was done; the wall stays as it is."""
    if not request.htmx and toast.confirm:
        return ask(request, dataset, toast.text, status)
    if not request.htmx:
        messages.error(request, toast.text)
        return redirect(back(request, dataset))
    if "stay" in request.POST:
        messages.error(request, toast.text)
        return reload_page()
    status = status if status in SHOWN_WITH_HTMX else 400
    context = {"dataset": dataset, "toast": toast, "query": wall_query(request).urlencode()}
    response = render(request, "datasets/_edit_toast.html", context, status=status)
    response["HX-Retarget"] = "#edit-toast"
    response["HX-Reswap"] = "innerHTML"
    return response


def ask(request: AuthenticatedRequest, dataset: Dataset, message: str, status: int) -> HttpResponse:
    """The question as a page of its own, for somebody without scripts."""
    given = [(name, request.POST.getlist(name)) for name in ("images", "ids", "all", "split")]
    context = {
        "dataset": dataset,
        "message": message,
        "given": given,
        "query": wall_query(request).urlencode(),
        "back": back(request, dataset),
    }
    return render(request, "datasets/confirm_move.html", context, status=status)


def back(request: AuthenticatedRequest, dataset: Dataset) -> str:
    """The page that somebody without scripts goes on with."""
    address = reverse("datasets:detail", kwargs={"pk": dataset.pk})
    query = wall_query(request).urlencode()
    return f"{address}?{query}" if query else address


def shown_version(request: AuthenticatedRequest, dataset: Dataset, latest: DatasetVersion) -> DatasetVersion:
    """The version that the address asks for; the latest if it asks for none."""
    wanted = request.GET.get("version", "")
    if not wanted or wanted == str(latest.number):
        return latest
    version = dataset.versions.filter(number=int(wanted)).first() if is_number(wanted) else None
    if version is None:
        raise Http404("There is no such version.")
    return version


def is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


def filters_of(
    request: AuthenticatedRequest, version: DatasetVersion
) -> tuple[PictureFilterForm, wall.Filters]:
    choices = wall.choices(version)
    if not wall.has_opinions(version):
        choices["model"] = []
        choices["sort"] = [choice for choice in choices["sort"] if choice[0] not in wall.BY_MODEL]
    form = PictureFilterForm(request.GET, choices=choices)
    return form, wall.Filters(**form.chosen)


def wall_context(request: AuthenticatedRequest, dataset: Dataset, version: DatasetVersion) -> dict[str, Any]:
    """A page of the pictures that the filters let through."""
    form, filters = filters_of(request, version)
    after = request.GET.get("after", "")
    shown = request.POST.get("shown", "")
    count = min(max(int(shown), wall.PAGE), wall.MOST) if is_number(shown) else wall.PAGE
    page = wall.page_of(version, filters, after=int(after) if is_number(after) else None, count=count)
    for each in page:
        found = [finding for finding in each.open_findings if finding.kind not in OF_A_LABEL]  # type: ignore[attr-defined]
        each.marks = [finding.get_kind_display() for finding in found]  # type: ignore[attr-defined]
    return {
        "dataset": dataset,
        "version": version,
        "filter": form,
        "filters": filters,
        "pictures": page[:count],
        "next": page[count - 1].pk if len(page) > count else None,
        "total": wall.count_matching(version, filters) if not after else None,
        "query": wall_query(request).urlencode(),
        "label_names": list(version.summary.get("labels", {})),
        "splits": Image.Split.choices,
        "is_past": version.pk != latest_pk(dataset, version),
        "is_multi": dataset.task == Dataset.Task.MULTI,
        "is_filtered": bool(filters.given),
    }


def latest_pk(dataset: Dataset, version: DatasetVersion) -> int:
    latest = dataset.latest
    return latest.pk if latest else version.pk


def latest_context(dataset: Dataset, latest: DatasetVersion) -> dict[str, Any]:
    """What the head of the page says about the latest version, and what of it can be undone."""
    is_open = latest.state == DatasetVersion.State.OPEN
    return {
        "dataset": dataset,
        "latest": latest,
        "is_open": is_open,
        "found": dataset.findings.filter(state=Finding.State.OPEN).count(),
        "changes": changes_in_words(latest.changes) if is_open else "",
        "last_edit": latest.edits.filter(undone=False).first() if is_open else None,
    }


def wall_query(request: AuthenticatedRequest) -> Any:
    """The filters of this address, for links and forms that keep them."""
    query = request.GET.copy()
    for name in ("after", "tab", "page"):
        query.pop(name, None)
    for name in [name for name, value in query.items() if not value]:
        query.pop(name)
    return query
