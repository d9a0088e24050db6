"""Which file of an upload each row of its lists means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from search_engine.data.annotations.objects import read_json, read_jsonl
from search_engine.data.annotations.rows import Listing, Row
from search_engine.data.annotations.tables import read_csv
from search_engine.data.names import parts_of
from search_engine.data.sources import Entry

PREFIX = re.compile(r"^[0-9a-f]{8}-")  # that Label Studio puts before the names of uploaded files
Parts = tuple[str, ...]
Candidates = Sequence[tuple[Entry, Parts]]


def read_listing(name: str, data: bytes, max_rows: int) -> Listing | None:
    """The rows of a list; None if the file is something else.

    Raises:
        ListError: it is a list by its name, but cannot be read.
    """
    match PurePosixPath(name).suffix.lower():
        case ".csv" | ".tsv":
            return read_csv(data, max_rows)
        case ".jsonl" | ".ndjson":
            return read_jsonl(data, max_rows)
        case _:
            return read_json(data, max_rows)


class Files:
    """The files of an upload, found by whatever paths lists give them.

    ``gs://bucket/set/cats/1.jpg`` means the file whose path ends in most of the same parts; where several do,
    the one that is nearest to the list.
    """

    def __init__(self, entries: Iterable[tuple[Entry, Parts]]) -> None:
        self._by_name: dict[str, list[tuple[Entry, Parts]]] = {}
        self._by_stem: dict[str, list[tuple[Entry, Parts]]] = {}
        self._folders: dict[Parts, dict[str, list[tuple[Entry, Parts]]]] = {}
        self._nearest: dict[tuple[Parts, Parts], list[Entry]] = {}
        for entry, parts in entries:
            name = parts[-1].casefold()
            self._by_name.setdefault(name, []).append((entry, parts))
            self._by_stem.setdefault(PurePosixPath(name).stem, []).append((entry, parts))

    def find(self, path: str, folder: Parts) -> tuple[list[Entry], int]:
        """The files that a path may mean, and how many of their last parts are the same.

        Args:
            folder: of the list.
        """
        for wanted in _spellings(path):
            if not wanted:
                continue
            name = wanted[-1].casefold()
            found = self._by_name.get(name) or (self._by_stem.get(name) if "." not in name else None)
            if found:
                return self._best(found, wanted, folder)
        return [], 0

    def _best(self, found: Candidates, wanted: Parts, folder: Parts) -> tuple[list[Entry], int]:
        """Part by part from the end, while several are left: a name may be in every one of 1,000 folders."""
        tail: Parts = (wanted[-1].casefold(),)
        while len(found) > 1 and len(tail) < len(wanted):
            part = wanted[-1 - len(tail)].casefold()
            if not (narrower := self._by_folder(tail, found).get(part)):
                break
            found, tail = narrower, (part, *tail)
        if len(found) == 1:
            return [found[0][0]], 1 + _shared(found[0][1][-2::-1], wanted[-2::-1])
        if (tail, folder) not in self._nearest:
            near = [_shared(parts[:-1], folder) for _, parts in found]
            most = max(near)
            self._nearest[tail, folder] = [
                entry for (entry, _), score in zip(found, near, strict=True) if score == most
            ]
        return self._nearest[tail, folder], len(tail)

    def _by_folder(self, tail: Parts, found: Candidates) -> dict[str, list[tuple[Entry, Parts]]]:
        """The files whose paths end in ``tail``, by the part before that; worked out once."""
        if tail not in self._folders:
            folders = self._folders[tail] = {}
            for entry, parts in found:
                if len(parts) > len(tail):
                    folders.setdefault(parts[-1 - len(tail)].casefold(), []).append((entry, parts))
        return self._folders[tail]


def _shared(one: Parts, other: Parts) -> int:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine.casefold() != theirs.casefold():
            break
        count += 1
    return count


def _spellings(path: str) -> Iterable[Parts]:
    """The path as it is; as an address; and without what Label Studio adds to it."""
    yield (plain := parts_of(path.replace("\\", "/")))
    if "%" in path or "?" in path:
        with suppress(ValueError):  # it is no address, or one that nobody can read
            address = urlsplit(path)
            files = parse_qs(address.query).get("d", [])
            yield parts_of(unquote(files[0] if files else address.path))
    if plain and PREFIX.match(plain[-1]):
        yield (*plain[:-1], unquote(plain[-1][9:]))


def match_rows(
    rows: Sequence[Row], files: Files, folder: Parts
) -> tuple[dict[int, list[Row]], dict[int, str]]:
    """The rows of each file, by its number, and what is wrong with the other rows, by their position.

    Of rows with different paths that lead to one file, those whose paths are nearest are meant.
    """
    ends: dict[int, tuple[int, str]] = {}
    targets: list[tuple[int, int, str] | None] = []
    wrong: dict[int, str] = {}
    for position, row in enumerate(rows):
        found, score = files.find(row.path, folder)
        if len(found) != 1:
            targets.append(None)
            wrong[position] = (
                f"It names {len(found)} files of the upload. Write its folder as well."
                if found
                else "There is no such file in the upload. Add the picture, or take out the row."
            )
            continue
        number = found[0].number
        targets.append((number, score, row.path))
        if number not in ends or score > ends[number][0]:
            ends[number] = (score, row.path)
    matched: dict[int, list[Row]] = {}
    for position, (row, target) in enumerate(zip(rows, targets, strict=True)):
        if target is None:
            continue
        if ends[target[0]][1] != target[2]:
            wrong[position] = "There is no such file in the upload. Add the picture, or take out the row."
            continue
        matched.setdefault(target[0], []).append(row)
    return matched, wrong
