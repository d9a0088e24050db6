"""How an upload says which picture has which label: by its folders, by a list, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from search_engine.data.annotations.matching import Files, match_rows, read_listing
from search_engine.data.annotations.rows import SPLIT_WORDS, ListError, Listing, Row, split_in_name
from search_engine.data.limits import Limits
from search_engine.data.names import is_list, is_system, is_text, label_depth, parts_of, printable, why_unsafe
from search_engine.data.refusals import Reason, RefusedError, Rejected
from search_engine.data.sources import Entry, Source
from search_engine.errors import ArchiveError

ADVICE = "Put your pictures into one folder per label and compress these folders to a zip file."
MAX_LISTS = 50
Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What an upload says of a picture besides its pixels."""

    labels: tuple[str, ...]
    split: str | None = None


class Layout(Protocol):
    """A way to find labels.

    Attributes:
        reported: the files that become pictures or rejected files, in the order of the source.
        lost: rows of lists that lead to no picture.
        labels: those that have a folder of their own, with or without pictures; and the first such folder's
            name as the source has it, empty if only its pictures are named.
    """

    reported: list[Entry]
    lost: list[Rejected]
    labels: dict[str, str]

    def place(self, entry: Entry, parts: Parts) -> Place:
        """The labels and the split of a file.

        Raises:
            RefusedError: it has no place here, and why.
        """
        ...


def find_layout(source: Source, limits: Limits) -> Layout:
    """The layout of an upload. A list that names its pictures goes before folders.

    Raises:
        ArchiveError: there are no pictures, or the one list that there is cannot be used.
    """
    kept = [(entry, parts_of(entry.name)) for entry in source.entries]
    kept = [(entry, parts) for entry, parts in kept if why_unsafe(entry.name) or not is_system(parts)]
    safe = [(entry, parts) for entry, parts in kept if not why_unsafe(entry.name)]
    folders = FolderLayout(source, kept, safe)
    lists = [(entry, parts) for entry, parts in safe if is_list(parts[-1])]
    listed = ListLayout(source, kept, safe, lists[:MAX_LISTS], limits, by_folder=folders.used)
    layout: Layout = listed if listed.found else folders
    if not layout.reported:
        notes = f": only {printable(kept[0][0].name)} and the like" if kept else ""
        raise ArchiveError(f"There are no pictures in it{notes}. {ADVICE}")
    if not listed.found and listed.problem and len(folders.used) < 2:
        raise ArchiveError(listed.problem)
    return layout


class FolderLayout:
    """A folder a label; around these, if wanted, a folder a split."""

    def __init__(
        self, source: Source, kept: Sequence[tuple[Entry, Parts]], safe: Sequence[tuple[Entry, Parts]]
    ) -> None:
        paths = [parts for _, parts in safe]
        outer = label_depth(paths)
        pictures = [path for path in paths if not is_text(path[-1])]
        self.split_at = _split_level(pictures, outer)
        if self.split_at is not None:
            at = self.split_at + 1
            outer = at + label_depth(path[at:] for path in paths if len(path) > at)
        self.depth = outer
        self.has_labels = any(len(path) > self.depth + 1 for path in pictures)
        unsafe = {entry.number for entry, _ in kept} - {entry.number for entry, _ in safe}
        self.reported = [
            entry
            for entry, parts in kept
            if entry.number in unsafe or len(parts) > self.depth + 1 or not is_text(parts[-1])
        ]
        self.lost: list[Rejected] = []
        self.used = {path[self.depth] for path in pictures if len(path) > self.depth + 1}
        self.labels = self._named(source.folders) if self.has_labels else {}

    def place(self, entry: Entry, parts: Parts) -> Place:
        split = None
        if self.split_at is not None and len(parts) > self.split_at + 1:
            split = SPLIT_WORDS.get(parts[self.split_at].lower())
        if len(parts) > self.depth + 1:
            return Place((parts[self.depth],), split)
        if self.has_labels:
            raise RefusedError(
                Reason.NO_LABEL, "It lies outside the label folders. Move it into the folder of its label."
            )
        return Place((), split)

    def _named(self, folders: Iterable[str]) -> dict[str, str]:
        labels = dict.fromkeys(self.used, "")
        for folder in folders:
            parts = parts_of(folder)
            if len(parts) > self.depth and not why_unsafe(folder) and not is_system(parts):
                labels[parts[self.depth]] = labels.get(parts[self.depth]) or folder
        return labels


def _split_level(pictures: Sequence[Parts], depth: int) -> int | None:
    """At which level the folders are splits: where nothing else is, or among the outer folders."""
    here = {path[depth].lower() for path in pictures if len(path) > depth + 1}
    if len(here) > 1 and here <= SPLIT_WORDS.keys():
        return depth
    inside = [path for path in pictures if len(path) > depth]
    outer = [level for level in range(depth) if inside and inside[0][level].lower() in SPLIT_WORDS]
    return outer[-1] if outer else None


class ListLayout:
    """One or several lists that name the pictures.

    Attributes:
        found: whether there is a list that names any.
        problem: what is wrong with the first list that looks like one and is not of use; else empty.
    """

    def __init__(
        self,
        source: Source,
        kept: Sequence[tuple[Entry, Parts]],
        safe: Sequence[tuple[Entry, Parts]],
        lists: Sequence[tuple[Entry, Parts]],
        limits: Limits,
        *,
        by_folder: set[str],
    ) -> None:
        self.lost: list[Rejected] = []
        self.labels: dict[str, str] = {}
        self.problem = ""
        self.places: dict[int, Place] = {}
        self.names: list[str] = []
        self.files = (
            Files((entry, parts) for entry, parts in safe if not is_text(parts[-1])) if lists else None
        )
        self.by_folder = by_folder
        for entry, parts in lists:
            try:
                listing = read_listing(parts[-1], source.read_list(entry), limits.max_files)
            except (ListError, RefusedError) as error:
                says = str(error) if isinstance(error, ListError) else f"cannot be used. {error}"
                says = f"The list {printable(entry.name)[-200:]} {says.rstrip('.')}."
                self.problem = self.problem or says
                continue
            if listing:
                self._take(entry, parts, listing)
        self.found = bool(self.places)
        unsafe = {entry.number for entry, _ in kept} - {entry.number for entry, _ in safe}
        self.reported = (
            [entry for entry, parts in kept if entry.number in unsafe or not is_text(parts[-1])]
            if self.found
            else []
        )

    def place(self, entry: Entry, parts: Parts) -> Place:
        if entry.number not in self.places:
            names = self.names[0] if len(self.names) == 1 else "The lists of labels"
            does = "does" if len(self.names) == 1 else "do"
            raise RefusedError(
                Reason.NOT_LISTED, f"{names} {does} not name it. Add a row for it, or leave it out."
            )
        return self.places[entry.number]

    def _take(self, entry: Entry, parts: Parts, listing: Listing) -> None:
        assert self.files is not None  # noqa: S101  there is a list
        name = printable(entry.name)[-200:]
        matched, wrong = match_rows(listing.rows, self.files, parts[:-1])
        rows = listing.rows
        if not matched:
            if listing.certain and rows:
                self.problem = self.problem or (
                    f"{name} names {len(rows):,} pictures, but none of them is in the upload. The first is "
                    f"“{printable(rows[0].path)[-100:]}”. Put the list and its pictures into one zip."
                )
            return
        if len(self.by_folder) > 1 and not any(row.labels for found in matched.values() for row in found):
            return  # captions, or who took the pictures: their folders say more
        if not listing.certain:
            if 0 in wrong and len(rows[0].labels) > 1:  # a header of words that we do not know
                self.problem = self.problem or (
                    f"The columns of {name} are not clear. Name that of the files “filename” and that of the "
                    "labels “label”."
                )
                return
            if not self._plausible(matched):
                return
            wrong = {position: reason for position, reason in wrong.items() if position}
        self.names.append(name)
        self._note(name, matched, split_in_name(PurePosixPath(parts[-1]).stem))
        for position, reason in sorted(wrong.items()):
            row = rows[position]
            self._lose(f"{name}, {row.where}: {row.path}", Reason.LISTED_BUT_MISSING, reason)
        for bad in listing.bad:
            self._lose(f"{name}, {bad.where}", Reason.BAD_ROW, bad.reason)

    def _plausible(self, matched: dict[int, list[Row]]) -> bool:
        """Whether unnamed columns hold labels and not checksums or notes, where folders give labels, too."""
        if len(self.by_folder) < 2:
            return True
        labels = {label for rows in matched.values() for row in rows for label in row.labels}
        return 0 < len(labels) <= max(2, len(matched) // 2)

    def _note(self, name: str, matched: dict[int, list[Row]], usual: str | None) -> None:
        for number, rows in matched.items():
            before = self.places.get(number)
            labels = dict.fromkeys(before.labels if before else ())
            split = before.split if before else None
            for row in rows:
                labels |= dict.fromkeys(row.labels)
                says = row.split or usual
                if split and says and says != split:
                    clash = f"An earlier row puts this picture into {split}, this one into {says}."
                    self._lose(
                        f"{name}, {row.where}: {row.path}", Reason.BAD_ROW, f"{clash} The first one counts."
                    )
                split = split or says
            self.places[number] = Place(tuple(labels), split)

    def _lose(self, name: str, code: Reason, reason: str) -> None:
        self.lost.append(Rejected(printable(name), code, reason))
