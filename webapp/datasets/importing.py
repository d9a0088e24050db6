"""The import of an upload, from a file or folder to a new version of its data set: all of it, or nothing."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from search_engine.errors import SearchEngineError
from webapp.core.errors import UserError
from webapp.datasets import storage
from webapp.datasets.claims import Claim, LostClaimError, claim_upload, next_upload
from webapp.datasets.committing import commit, fail
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.staging import stage

log = logging.getLogger(__name__)


def run_import(upload_id: int) -> int | None:
    """Import an upload, unless another worker has it already, or others come first.

    Returns:
        the upload of the same data set whose turn it is now, if this one has ended.
    """
    claim = claim_upload(upload_id)
    if claim is None:
        return None
    try:
        try:
            with told_to_people(claim):
                commit(claim, stage(claim))
        except UserError as error:
            fail(claim, error.message)
    except LostClaimError as error:
        log.warning("The import of %s was given up: somebody else has it, or it was deleted.", error)
        if not Dataset.objects.filter(pk=claim.dataset_id).exists():
            storage.discard_files(claim.dataset_id)
        return None
    return next_upload(claim.dataset_id)


@contextmanager
def told_to_people(claim: Claim) -> Iterator[None]:
    """Turn whatever goes wrong into a sentence about the upload; the unexpected goes to the log, too."""
    try:
        yield
    except (UserError, LostClaimError):
        raise
    except SearchEngineError as error:
        raise UserError("unusable", str(error)) from error
    except Exception as error:
        log.exception("The import of upload %d failed.", claim.upload_id)
        raise UserError("server_error", sentence(claim, error)) from error


def sentence(claim: Claim, error: Exception) -> str:
    """What to say about an error that is not the fault of what was uploaded."""
    if isinstance(error, FileNotFoundError) and not claim.path.exists():
        again = "Check the path" if claim.kind == Upload.Kind.SERVER else "Send it again"
        return f"The file {claim.name} is not on the server any more. {again}."
    no_room = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if no_room or (isinstance(error, OperationalError) and "disk is full" in str(error)):
        return (
            f"The server's disk is full, so {claim.name} was not imported. Free some room and send it again."
        )
    return f"Something went wrong on the server while it imported {claim.name}. Its log says what. Try again."
