"""All strategies by name. A strategy's module is imported when it is first asked for."""

from __future__ import annotations

from search_engine.space.base import Space
from search_engine.strategies.base import Strategy, StrategyFactory


def _random(space: Space, seed: int) -> Strategy:
    from search_engine.strategies.random import RandomSearch

    return RandomSearch(space, seed)


def _evolution(space: Space, seed: int) -> Strategy:
    from search_engine.strategies.evolution import RegularizedEvolution

    return RegularizedEvolution(space, seed)


STRATEGIES: dict[str, StrategyFactory] = {"random": _random, "evolution": _evolution}
"""A strategy joins the conformance suite of the tests by being here."""
