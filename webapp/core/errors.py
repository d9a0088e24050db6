"""Errors that reach a person, in the same words on a page, in the API and in the log."""

from __future__ import annotations


class UserError(Exception):
    """Something that the person can put right; services raise it, pages and the API show it.

    Attributes:
        code: short and stable, for programs: ``busy``, ``empty_file``, ...
        message: a sentence or two: what happened, to which file or row, and what to do next.
        status: HTTP status that fits.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
