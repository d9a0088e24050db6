"""CSV: as Vertex AI reads it (``[ML_USE,]path,label,...``), with a header, or with one column a label."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from search_engine.data.annotations.rows import SPLIT_WORDS, ListError, Listing
from search_engine.data.annotations.words import FILE_WORDS, LABEL_WORDS, LABELS_WORDS, USE_WORDS, plain

ON = {"1", "1.0", "true", "yes"}
OFF = {"", "0", "0.0", "false", "no"}
ML_USES = {*SPLIT_WORDS, "unassigned"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column says what; ``marks`` are columns of zeros and ones, each named by its label."""

    file: int
    labels: tuple[int, ...]
    use: int | None
    marks: dict[int, str]
    separators: str


def read_csv(data: bytes, max_rows: int) -> Listing | None:
    """The rows of a CSV; None if it cannot be a list of labels.

    Raises:
        ListError: it cannot be read.
    """
    lines = _lines(data, max_rows)
    first = next(lines, None)
    if first is None:
        return None
    number, header = first
    columns = _columns(header)
    if columns is None:
        return _without_header(number, header, lines)
    table = list(lines)
    if not columns.labels and not (columns := _one_hot(columns, header, [cells for _, cells in table])):
        return None
    listing = Listing(certain=True)
    for number, cells in table:
        get = _cell(cells)
        if columns.marks:
            labels = [name for column, name in columns.marks.items() if get(column).lower() in ON]
        else:
            labels = [part for column in columns.labels for part in re.split(columns.separators, get(column))]
        listing.add(
            f"row {number}", get(columns.file), labels, get(columns.use) if columns.use is not None else None
        )
    return listing


def _lines(data: bytes, max_rows: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of the line on which it ends."""
    text = _decoded(data)
    head = text[:10_000].split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    count = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                count += 1
                if count > max_rows + 1:
                    raise ListError(f"has more than {max_rows:,} rows. Upload it in parts")
                yield reader.line_num, cells
    except csv.Error as error:
        raise ListError(
            f"cannot be read at line {reader.line_num} ({error}). Save it as CSV again"
        ) from error


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what spreadsheets write in the West


def _columns(header: list[str]) -> Columns | None:
    """What a header says; None if this is none."""
    words = [plain(cell) for cell in header]
    files = [i for i, word in enumerate(words) if word in FILE_WORDS]
    if not files:
        return None
    uses = [i for i, word in enumerate(words) if word in USE_WORDS]
    several = [i for i, word in enumerate(words) if word in LABELS_WORDS]
    one = [i for i, word in enumerate(words) if word in LABEL_WORDS]
    return Columns(
        file=min(files, key=lambda i: FILE_WORDS.index(words[i])),
        labels=tuple(several or one),
        use=uses[0] if uses else None,
        marks={},
        separators=r"[|;,]" if several else r"\|",
    )


def _one_hot(columns: Columns, header: list[str], table: list[list[str]]) -> Columns | None:
    """The columns of zeros and ones, if all the others are such columns and there are two at least."""
    others = [i for i in range(len(header)) if i not in (columns.file, columns.use)]
    values = {_cell(cells)(i).lower() for cells in table for i in others}
    if len(others) < 2 or not table or not values <= ON | OFF or not values & ON:
        return None
    return Columns(columns.file, (), columns.use, {i: header[i].strip() for i in others}, "")


def _without_header(number: int, first: list[str], lines: Iterator[tuple[int, list[str]]]) -> Listing | None:
    """Vertex AI's format; nothing but the names of the pictures shows that it is one."""
    if len(first) < 2:
        return None
    listing = Listing(certain=False)
    for row, cells in [(number, first), *lines]:
        has_use = plain(cells[0]) in ML_USES and len(cells) > 1
        path, labels = (cells[1], cells[2:]) if has_use else (cells[0], cells[1:])
        listing.add(f"row {row}", path, labels, cells[0] if has_use else None)
    return listing


class _cell:  # noqa: N801  reads as the function that it is
    """The cell of a column, empty where a row is short."""

    def __init__(self, cells: list[str]) -> None:
        self.cells = cells

    def __call__(self, column: int) -> str:
        return self.cells[column].strip() if column < len(self.cells) else ""
