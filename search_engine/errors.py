"""Every error that the engine raises on purpose, so that callers can catch one root."""

from __future__ import annotations


class SearchEngineError(Exception):
    """Root of all errors of the engine. Its text is written for the person who uses the site."""


class DatasetError(SearchEngineError):
    """The pictures or labels cannot be used; the text says which and what to do."""


class ArchiveError(DatasetError):
    """The whole archive is refused (damaged, unsafe, too large); nothing of it was kept."""


class SpaceError(SearchEngineError):
    """A genome or decision vector that the search space does not allow."""


class SettingsError(SearchEngineError):
    """What was asked of a search cannot be; the text says what to ask instead."""


class TrialFailed(SearchEngineError):
    """One candidate could not be trained; the search goes on.

    Attributes:
        kind: ``out_of_memory``, ``diverged``, ``crashed`` or ``error``.
    """

    def __init__(self, message: str, *, kind: str = "error") -> None:
        super().__init__(message)
        self.kind = kind


class Cancelled(SearchEngineError):
    """The work was stopped on request or by its deadline."""


class SealError(SearchEngineError):
    """Somebody tried to look at the sealed test split a second time."""


class ExportError(SearchEngineError):
    """The exported file does not answer like the network that it was made from."""
