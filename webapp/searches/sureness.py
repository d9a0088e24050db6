"""How sure a search's controller became, worked out from its rows and remembered for a while."""

from __future__ import annotations

from random import Random

from django.core.cache import cache

from search_engine.strategies import STRATEGIES
from search_engine.strategies.sharpening import Controlled, Moment, sharpening
from search_engine.trial import Kind, Trial, TrialState, best_of
from webapp.searches.models import Search
from webapp.searches.replay import affords, frozen_all, search_config, search_space, strategy_name

REMEMBERED = 24 * 3600
"""Seconds. A search that is over stays as it is; of one that goes on the strategy itself remembers much."""


QUICK = 60
"""Networks that a controller is taught while a page loads; more are taught while it waits with a sentence."""


def has_controller(search: Search) -> bool:
    """Whether the strategy of the search is a controller whose probabilities can be shown.

    Under a schedule of rungs it sees the lowest rung alone, so it is not that of the whole search.
    """
    name = strategy_name(search)
    if search.plan is None or name not in STRATEGIES or search.fidelity != "full":
        return False
    space = search_space(search)
    return isinstance(STRATEGIES[name](space, search.seed, affords(search)), Controlled)


def sureness(search: Search, *, may_take_long: bool = True) -> tuple[Trial | None, tuple[Moment, ...]] | None:
    """The best network and the moments of the controller, each along the decisions of that network.

    Before there is any network it is asked along the space's first starting design.

    Args:
        search: with a controller.
        may_take_long: whether to teach a controller all that it has to learn anew, which takes seconds after
            some hundred networks; otherwise None is the answer then.
    """
    space = search_space(search)
    rows = search.trials.filter(kind=Kind.NETWORK, state=TrialState.FINISHED).defer("right", "genome")
    trials = [
        trial
        for trial in frozen_all(rows, search_config(search))
        if trial.reward is not None and trial.vector
    ]
    best = best_of(trials)
    sample = space.sample(Random(search.seed))  # noqa: S311
    along = best.vector if best else next(iter(space.starts), sample)
    name, budget = strategy_name(search), affords(search)
    key = f"sureness:{search.pk}:{name}:{budget}:{len(trials)}:{best.number if best else 0}"
    moments: tuple[Moment, ...] | None = cache.get(key)
    if moments is None and len(trials) > QUICK and not may_take_long:
        return None
    if moments is None:
        moments = sharpening(
            STRATEGIES[name],
            space,
            seed=search.seed,
            budget=budget,
            trials=trials,
            along=along,
        )
        cache.set(key, moments, REMEMBERED)
    return best, moments
