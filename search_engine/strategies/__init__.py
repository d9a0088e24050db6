"""Search strategies: one algorithm a file, one interface for all, a registry of names."""

from __future__ import annotations

from search_engine.strategies.registry import STRATEGIES

__all__ = ["STRATEGIES"]
