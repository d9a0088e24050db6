"""The loaded networks of this process: the last few that were asked."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from search_engine.export.predict import Classifier, load
from webapp.trained.models import TrainedModel

MAX_SESSIONS = 8
"""Each holds a network's weights in memory, about 15 to 60 MB."""

_sessions: OrderedDict[tuple[int, int], Classifier] = OrderedDict()
_lock = Lock()


def classifier(model: TrainedModel) -> Classifier:
    """The classifier of a model's present revision, loaded at most once a process.

    Raises:
        FileNotFoundError: the bundle is not there (any more).
    """
    key = (model.pk, model.revision)
    # Loading takes about a tenth of a second; under the lock, so that a burst of requests loads once.
    with _lock:
        if key not in _sessions:
            _sessions[key] = load(model.bundle_path)
            for old in [k for k in _sessions if k[0] == model.pk and k != key]:
                del _sessions[old]
            while len(_sessions) > MAX_SESSIONS:
                _sessions.popitem(last=False)
        _sessions.move_to_end(key)
        return _sessions[key]


def forget_all() -> None:
    """Drop every loaded network."""
    with _lock:
        _sessions.clear()
