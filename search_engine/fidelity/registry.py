"""All schedulers by name."""

from __future__ import annotations

from search_engine.fidelity.asha import Asha
from search_engine.fidelity.base import SchedulerFactory
from search_engine.fidelity.halving import SuccessiveHalving

SCHEDULERS: dict[str, SchedulerFactory] = {"halving": SuccessiveHalving, "asha": Asha}
