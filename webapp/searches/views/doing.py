"""What the strategy of a search is doing, or did, in words."""

from __future__ import annotations

from search_engine.families import verdict
from search_engine.strategies import auto
from search_engine.strategies.words import explain
from search_engine.trial import Kind
from webapp.searches.models import Search, Trial
from webapp.searches.replay import (
    affords,
    frozen_all,
    search_config,
    search_plan,
    search_space,
    strategy_name,
)

CONTROL_ARM = "Now and then a network is drawn at random, to show what the search is worth."
DID = {
    "random": "Networks were drawn at random, each anew.",
    "local": "One decision of the best network was changed at a time; whatever was better was built on.",
    "evolution": "The better ones of the newest networks had children that differ in one decision; the "
    "oldest made room.",
    "predictor": "A model predicted from all networks so far how good others would be; the one that promised "
    "most was tried next.",
    "reinforce": "A controller drew networks decision by decision; choices that did better than usual "
    "became likelier.",
    "enas": "Networks shared one set of weights, on which a controller learned which choices pay; the best "
    "were then trained alone.",
    "tpe": "How a network is trained was set to what good results had in common, on the best so far.",
}
"""By strategy, once a search is over."""


def doing(search: Search, trials: list[Trial]) -> str:
    """Empty before there is a plan; ``trials`` are all of the search."""
    if search.plan is None:
        return ""
    if not search.is_over:
        known = frozen_all(trials, search_config(search))
        said = explain(search.strategy, known, search_space(search), affords(search))
        networks = [trial for trial in known if trial.kind is Kind.NETWORK]
        given_up = verdict(search_config(search), search_plan(search), networks)
        arm = "" if search.strategy == "random" else CONTROL_ARM
        return " ".join(part for part in (given_up, said, arm) if part)
    if search.strategy == "auto":
        return f"{auto.explain(affords(search))} {CONTROL_ARM}"
    return DID.get(search.strategy, f"It proposed networks by {strategy_name(search)}.")
