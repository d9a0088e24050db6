"""How long to train whom: schedulers that spend little on many candidates and much on the few best."""

from __future__ import annotations

from search_engine.fidelity.base import Job, Result, Scheduler
from search_engine.fidelity.registry import SCHEDULERS

__all__ = ["SCHEDULERS", "Job", "Result", "Scheduler"]
