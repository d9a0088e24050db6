"""The seal on the test split: it is opened once, for one network, and code makes anything else an error."""

from __future__ import annotations

import os
from pathlib import Path

from search_engine.errors import SealError


def break_seal(run: Path, fingerprint: str) -> None:
    """Record that the test split is opened for the candidate with this fingerprint.

    A finish that died may be done again for the same candidate, whose figures nobody saw; a second candidate
    is refused, since choosing between two by their test figures is what makes such figures lie.

    Args:
        run: folder of the search.
        fingerprint: names the trial and its genome.

    Raises:
        SealError: the split was opened before, for another network.
    """
    path = run / "test-opened-for"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.read_text() != fingerprint:
            raise SealError(
                "The test pictures of this search were already opened for another network. "
                "Start a new search to evaluate a new network."
            ) from None
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(fingerprint)
        file.flush()
        os.fsync(file.fileno())
