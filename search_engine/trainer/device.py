"""Where to train, and with how many threads."""

from __future__ import annotations

import os

import torch

from search_engine.errors import SearchEngineError


def pick_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``.

    On a CPU one thread is set: a machine runs one slot a core, and two torch threads on busy cores are
    several times slower than one (measured: 11 to 15 against 60 pictures a second).

    Raises:
        SearchEngineError: CUDA was asked for and is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise SearchEngineError("DEVICE is cuda, but torch finds no GPU. Set DEVICE=cpu or auto.")
    if name == "cpu":
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return torch.device(name)
