"""The seal on the test split: it is opened once a round, for one network, and code makes the rest an error.

A search that is over may be continued; that is its next round, and ends with a seal of its own. How often the
test split was opened is counted, because every opening after the first makes its figures trust a little less:
whoever continues a search may do so for the figures that they saw.
"""

from __future__ import annotations

import os
from pathlib import Path

from search_engine.errors import SealError

SEAL = "test-opened-for"


def break_seal(run: Path, fingerprint: str, *, search_round: int = 0) -> int:
    """Record that the test split is opened for the candidate with this fingerprint.

    A finish that died may be done again for the same candidate, whose figures nobody saw; a second candidate
    is refused, since choosing between two by their test figures is what makes such figures lie.

    Args:
        run: folder of the search.
        fingerprint: names the trial and its genome.
        search_round: how often the search was continued.

    Returns:
        In how many rounds the split has been opened, this one included.

    Raises:
        SealError: the split was opened before in this round, for another network.
    """
    path = run / (f"{SEAL}-round-{search_round}" if search_round else SEAL)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # An empty seal was made by a process that died before it opened anything.
        opened_for = path.read_text()
        if opened_for not in ("", fingerprint):
            raise SealError(
                "The test pictures of this search were already opened for another network. "
                "Start a new search to evaluate a new network."
            ) from None
        descriptor = os.open(path, os.O_WRONLY)
    with os.fdopen(descriptor, "w") as file:
        file.write(fingerprint)
        file.flush()
        os.fsync(file.fileno())
    return len(list(run.glob(f"{SEAL}*")))
