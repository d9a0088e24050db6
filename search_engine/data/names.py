"""File names as they come in uploads: which are dangerous, which are clutter, which folder is the label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME = 1000  # characters of a whole path; the database keeps 1,024
MAX_LABEL = 200

SYSTEM_NAMES = {"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "$recycle.bin", "@eadir"}
TEXT_SUFFIXES = {".txt", ".csv", ".tsv", ".md", ".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml", ".log"}
LIST_SUFFIXES = {".csv", ".tsv", ".json", ".jsonl", ".ndjson"}
DRIVE = re.compile(r"^[A-Za-z]:")
# Control characters, halves of surrogate pairs, and what makes a name read differently from what it is.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the file of a path, in Unicode's composed form, without ``.`` and empty parts."""
    return tuple(part for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", "."))


def why_unsafe(name: str) -> str:
    """A sentence if a file of this name must not be touched, else an empty string."""
    if name.startswith(("/", "\\")) or DRIVE.match(name):
        return "The name is an absolute path, which is not safe. Put the file into the folder of its label."
    if "\\" in name:
        return "The name has a backslash. Make the zip again with your system's own “Compress” command."
    if ".." in name.split("/"):
        return "The name leads out of the archive (“..”). Put the file into the folder of its label."
    if CONTROL.search(name):
        return "The name has characters that cannot be shown. Rename the file."
    parts = parts_of(name)
    if len(name) > MAX_NAME or any(len(part) > MAX_LABEL for part in parts[:-1]):
        return "The name, or that of its folder, is too long. Rename it."
    return ""


def is_system(parts: tuple[str, ...]) -> bool:
    """Whether a file is clutter that operating systems leave behind, or is hidden."""
    return not parts or any(part.startswith(".") or part.lower() in SYSTEM_NAMES for part in parts)


def is_text(name: str) -> bool:
    """Whether a file is a note or a list, going by its name."""
    return _suffix(name) in TEXT_SUFFIXES or name.upper() in ("LICENSE", "README")


def _suffix(name: str) -> str:
    """With its dot, in small letters; quicker than ``PurePath`` for hundreds of thousands of names."""
    return "." + name[-10:].lower().rpartition(".")[2]


def is_list(name: str) -> bool:
    """Whether a file may be a list of labels, going by its name."""
    return _suffix(name) in LIST_SUFFIXES


def label_depth(paths: Iterable[tuple[str, ...]]) -> int:
    """How many outer folders hold everything, so that the part at this index is the label.

    An outer folder is peeled while it is the only one and has no pictures of its own, or has several folders
    in it (then the pictures lying loose beside these are reported). Files at the very top do not matter.
    """
    folders = [path[:-1] for path in paths if len(path) > 1 and not is_text(path[-1])]
    depth = 0
    while len({folder[depth] for folder in folders if len(folder) > depth}) == 1:
        inside = {folder[depth + 1] for folder in folders if len(folder) > depth + 1}
        loose = any(len(folder) == depth + 1 for folder in folders)
        if not inside or (loose and len(inside) < 2):
            break
        depth += 1
    return depth


def printable(name: str) -> str:
    """The name for reports: shortened, and without letters that would break a page or a log."""
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return clean if len(clean) <= MAX_NAME else clean[: MAX_NAME - 1] + "…"
