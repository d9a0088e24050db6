"""All strategies by name. A strategy's module is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module

from search_engine.space.base import Space
from search_engine.strategies.base import Strategy, StrategyFactory


def _lazy(module: str, name: str) -> StrategyFactory:
    def make(space: Space, seed: int, budget: int | None = None) -> Strategy:
        factory: StrategyFactory = getattr(import_module(f"search_engine.strategies.{module}"), name)
        return factory(space, seed, budget)

    return make


STRATEGIES: dict[str, StrategyFactory] = {
    "auto": _lazy("auto", "auto"),
    "random": _lazy("random", "RandomSearch"),
    "local": _lazy("local", "LocalSearch"),
    "evolution": _lazy("evolution", "RegularizedEvolution"),
    "predictor": _lazy("predictor", "Predictor"),
    "reinforce": _lazy("reinforce", "Reinforce"),
    "tpe": _lazy("tpe", "Tpe"),
    "enas": _lazy("enas", "Enas"),
}
"""A strategy joins the conformance suite of the tests by being here."""
