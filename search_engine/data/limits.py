"""What an import accepts."""

from __future__ import annotations

from dataclasses import dataclass

from search_engine.data.decode import MAX_PIXELS

MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one import.

    Attributes:
        max_files: entries of an archive, and rows of its lists.
        max_names_bytes: of the table of contents; it is held in memory.
        max_file_bytes: of one file, unpacked; it is held in memory.
        max_total_bytes: of all files together, unpacked.
        max_ratio: unpacked over packed size of one file that is larger than a megabyte.
        max_total_ratio: the same for all files together, once they pass a gigabyte (a quarter of one where it
            takes unpacking to find out).
        max_pixels: width times height.
        min_side: in pixels; smaller pictures show nothing.
    """

    max_files: int = 200_000
    max_names_bytes: int = 64 * MIB
    max_file_bytes: int = 64 * MIB
    max_total_bytes: int = 100 * 1024 * MIB
    max_ratio: int = 200
    max_total_ratio: int = 100
    max_pixels: int = MAX_PIXELS
    min_side: int = 8


DEFAULT_LIMITS = Limits()
