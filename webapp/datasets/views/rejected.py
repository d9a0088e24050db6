"""The rejected files as a table for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_safe

from webapp.core.http import AuthenticatedRequest
from webapp.core.lookups import get_owned
from webapp.datasets import services
from webapp.datasets.models import Dataset


class Echo:
    """A file for the csv module whose ``write`` gives back the line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


@require_safe
def rejected_csv(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    dataset = get_owned(Dataset, request.user, pk=pk)
    rows = services.rejected_files(dataset).values_list("upload__name", "name", "code", "reason")
    response = StreamingHttpResponse(lines(rows.iterator()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="rejected-files.csv"'
    return response


def lines(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff"  # tells Excel that this is UTF-8
    yield writer.writerow(["upload", "file", "code", "reason"])
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: str) -> str:
    """A file name that begins like a formula must not become one in a spreadsheet."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
