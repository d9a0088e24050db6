"""For every test: one thread a process, so that tests beside each other do not fight over the cores."""

from __future__ import annotations

import os

# Before anything imports numpy or torch, which read them once.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
