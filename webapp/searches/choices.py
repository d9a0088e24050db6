"""What a person may choose about a search besides its time: in plain words, and whether it makes sense."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db.models import OuterRef, QuerySet, Subquery

from search_engine.config import AUTO, FULL, SearchConfig
from search_engine.errors import SearchEngineError
from search_engine.fidelity.registry import SCHEDULERS
from search_engine.fidelity.rungs import SAVINGS
from search_engine.objective import OBJECTIVES
from search_engine.settings import check_config, kind_of, settled
from search_engine.space.architecture import Genome
from search_engine.space.registry import ANY, HYBRID, SPACES
from search_engine.space.trunks import DEFAULT_TRUNK, TRUNKS
from search_engine.strategies import STRATEGIES
from webapp.core.errors import UserError
from webapp.searches.models import Search, Trial
from webapp.searches.replay import EXPORT_HOPELESS, earned, fitting

if TYPE_CHECKING:
    from webapp.accounts.models import User
    from webapp.datasets.models import DatasetVersion

MILLION = 1_000_000
MAX_MILLIONS = 1_000_000
"""Above this a limit of parameters is none, and no column holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchChoices:
    """Choices about a search; the defaults are what most people should take.

    Attributes:
        strategy: a name in ``STRATEGIES``.
        space: a name in ``SPACES``, or ``auto`` until they are ``settled``.
        trunk: a name in ``TRUNKS``, of the pretrained network.
        fidelity: ``full`` or a name in ``SCHEDULERS``.
        max_latency_ms: the winner may take so long for a picture; None for no limit.
        max_parameters: numbers that the winner may hold; None for no limit.
        start_from: a search whose best network is tried first.
        objective, saving, random_share, prefilter, early_stop, ensemble: as in ``SearchConfig``.
    """

    strategy: str = AUTO
    space: str = AUTO
    trunk: str = DEFAULT_TRUNK
    fidelity: str = FULL
    max_latency_ms: float | None = None
    max_parameters: int | None = None
    start_from: Search | None = None
    objective: str = "accuracy"
    saving: str = "epochs"
    random_share: float = 0.15
    prefilter: bool = False
    early_stop: bool = True
    ensemble: bool = True

    def settled(self) -> SearchChoices:
        """With a space in the place of ``auto``: that of the search to start from, or what suits the rest."""
        if self.space != AUTO:
            return self
        start = self.start_from
        if start is not None and start.space != ANY:
            return replace(self, space=start.space)
        best = None if start is None else best_network(start)
        config = SearchConfig(
            budget_seconds=60.0,
            space=AUTO,
            strategy=self.strategy,
            fidelity=self.fidelity,
            start=best.genome if best else None,
        )
        return replace(self, space=settled(config).space)


DEFAULTS = SearchChoices()


@dataclass(frozen=True, slots=True)
class Words:
    """A choice as people see it: a title and one plain sentence."""

    title: str
    text: str


STRATEGY_WORDS = {
    AUTO: Words(
        "Let Netwright choose", "Takes what works best for the number of networks that the time allows."
    ),
    "predictor": Words(
        "Prediction", "Learns from the networks tried so far which one to try next, and gets surer with each."
    ),
    "evolution": Words(
        "Evolution", "Good networks have children with one change each; the oldest networks drop out."
    ),
    "local": Words("Step by step", "Changes one thing about the best network and keeps what helps."),
    "tpe": Words("Comparing good with bad", "Draws more of what the better networks have in common (TPE)."),
    "reinforce": Words(
        "Reinforcement learning", "A controller writes designs and is rewarded for those that do well."
    ),
    "enas": Words(
        "Shared weights",
        "One large network holds all others, to compare them cheaply (ENAS); for cells from scratch.",
    ),
    "random": Words("By chance", "Draws every network at random: what all other ways have to beat."),
}
SPACE_WORDS = {
    AUTO: Words("Chosen for you", "Everything, wherever the other choices go with it."),
    HYBRID: Words(
        "On top of a pretrained network",
        "Builds on what was learned from a million photographs: quickest, and best for most pictures.",
    ),
    ANY: Words(
        "Everything",
        "Tries both: on top of a pretrained network and from scratch. Gives up on what does clearly worse.",
    ),
    "cells": Words(
        "Cells, from scratch",
        "Designs a small building block and repeats it, for pictures unlike any photograph.",
    ),
    "macro": Words(
        "Layers, from scratch", "Chooses depth, width and kind of block one stage after the other."
    ),
}
FIDELITY_WORDS = {
    FULL: Words("All the way", "Each network is trained to the end before it is judged."),
    "halving": Words(
        "Short first, in rounds",
        "Many are trained briefly and only the better part goes on, again and again (successive halving).",
    ),
    "asha": Words(
        "Short first, without waiting",
        "As before, but a good network goes on at once: for many trainers side by side (ASHA).",
    ),
}
OBJECTIVE_WORDS = {
    "accuracy": Words("Being right", "The network that is right most often wins."),
    "mnasnet": Words(
        "Being right, and fast",
        "Milliseconds a picture are then aimed at and no limit: twice as slow counts 5 % less (MnasNet).",
    ),
}
TRUNK_WORDS = {
    DEFAULT_TRUNK: Words("EfficientNet-Lite0", "The quickest, and for most pictures as good as the others."),
    "efficientnet_lite1": Words("EfficientNet-Lite1", "A third slower."),
    "efficientnet_lite2": Words(
        "EfficientNet-Lite2",
        "Half as slow again; may see more in detailed pictures, if there is time for it.",
    ),
}
SAVING_WORDS = {
    "epochs": Words("Passes", "They see the pictures fewer times."),
    "pictures": Words("Pictures", "They learn from a part of the pictures."),
    "resolution": Words("Pixels", "They see the pictures half as wide; only from scratch."),
}


def offered(words: dict[str, Words], names: Iterable[str]) -> dict[str, Words]:
    """The choices that the engine has, in the order of their words; one without words is offered by name."""
    known = set(names)
    ordered = {name: text for name, text in words.items() if name in known}
    return ordered | {name: Words(name.capitalize(), "") for name in sorted(known - words.keys())}


def strategies() -> dict[str, Words]:
    return offered(STRATEGY_WORDS, STRATEGIES)


def spaces() -> dict[str, Words]:
    return offered(SPACE_WORDS, (AUTO, *SPACES))


def fidelities() -> dict[str, Words]:
    return offered(FIDELITY_WORDS, (FULL, *SCHEDULERS))


def objectives() -> dict[str, Words]:
    return offered(OBJECTIVE_WORDS, OBJECTIVES)


def trunks() -> dict[str, Words]:
    return offered(TRUNK_WORDS, TRUNKS)


def savings() -> dict[str, Words]:
    return offered(SAVING_WORDS, SAVINGS)


def best_network(search: Search) -> Trial | None:
    """Who earned most of those that were trained longest, the earliest of equals; no control."""
    return _networks().filter(search=search).first()


def startable(searches: QuerySet[Search]) -> QuerySet[Search]:
    """Those of some searches that have a network to start from, with its ``best_accuracy``."""
    best = _networks().filter(search=OuterRef("pk")).values("accuracy")[:1]
    return searches.annotate(best_accuracy=Subquery(best)).filter(best_accuracy__isnull=False)


def _networks() -> QuerySet[Trial]:
    """Trained networks within the limits of their searches, the best of each search first."""
    trained = Trial.objects.filter(
        kind=Trial.Kind.NETWORK, state=Trial.State.FINISHED, accuracy__isnull=False, genome__isnull=False
    )
    return fitting(trained).exclude(error_kind=EXPORT_HOPELESS).order_by("-rung", earned().desc(), "number")


def chosen_words(search: Search) -> str:
    """What was chosen about a search beyond its time, in a line; empty if nothing was."""
    parts = []
    for value, default, words in (
        (search.strategy, DEFAULTS.strategy, strategies()),
        (search.space, ANY, spaces()),
        (search.fidelity, DEFAULTS.fidelity, fidelities()),
        (search.objective, DEFAULTS.objective, objectives()),
        (search.trunk, DEFAULTS.trunk, trunks()),
    ):
        if value != default:
            parts.append(words[value].title if value in words else value)
    if search.max_latency_ms is not None:
        bound = "at most" if search.objective == DEFAULTS.objective else "aims at"
        parts.append(f"{bound} {search.max_latency_ms:g} ms a picture")
    if search.max_parameters is not None:
        parts.append(f"at most {search.max_parameters / MILLION:.3g} million parameters")
    parts.extend(_expert_words(search))
    if search.start is not None:
        parts.append("starts from the best network of an earlier search")
    line = " · ".join(parts)
    return line[:1].upper() + line[1:]


def _expert_words(search: Search) -> list[str]:
    """What experts chose beyond the objective."""
    parts = []
    if search.saving != DEFAULTS.saving and search.fidelity != FULL:
        known = savings()
        saved = known[search.saving].title if search.saving in known else search.saving
        parts.append(f"short trainings save {saved.lower()}")
    if search.random_share != DEFAULTS.random_share:
        parts.append(f"{search.random_share:.0%} of the training by chance")
    if search.prefilter:
        parts.append("size may decide what is trained")
    if not search.early_stop:
        parts.append("no training ends early")
    if not search.ensemble:
        parts.append("one network only")
    return parts


def check_choices(choices: SearchChoices, *, owner: User, version: DatasetVersion) -> None:
    """Refuse choices that no search can follow.

    Raises:
        UserError: says which, and what to choose instead.
    """
    for kind, name, known in (
        ("strategy", choices.strategy, strategies()),
        ("space", choices.space, spaces()),
        ("fidelity", choices.fidelity, fidelities()),
        ("objective", choices.objective, objectives()),
        ("trunk", choices.trunk, trunks()),
        ("saving", choices.saving, savings()),
    ):
        if name not in known:
            message = f"There is no {kind} “{name}”. Choose one of: {', '.join(known)}."
            raise UserError(code=f"unknown_{kind}", message=message)
    _check_limits(choices)
    try:
        check_config(
            SearchConfig(
                budget_seconds=60.0,
                space=choices.space,
                strategy=choices.strategy,
                fidelity=choices.fidelity,
                saving=choices.saving,
                objective=choices.objective,
                random_share=choices.random_share,
                max_latency_ms=choices.max_latency_ms,
                prefilter=choices.prefilter,
                early_stop=choices.early_stop,
            )
        )
    except SearchEngineError as error:
        raise UserError(code="bad_choice", message=str(error)) from error
    if choices.start_from is not None:
        _check_start(choices, choices.start_from, owner, version)


def _check_limits(choices: SearchChoices) -> None:
    latency, parameters = choices.max_latency_ms, choices.max_parameters
    if latency is not None and not (math.isfinite(latency) and latency > 0):
        raise UserError(
            code="bad_limit",
            message="The time a picture must be more than 0 milliseconds. Leave it out for no limit.",
        )
    if parameters is None:
        return
    if parameters < 1:
        raise UserError(
            code="bad_limit", message="A network needs at least one parameter. Leave the limit out for none."
        )
    if parameters > MAX_MILLIONS * MILLION:
        raise UserError(
            code="bad_limit", message="No network has that many parameters. Leave the limit out for none."
        )
    smallest = TRUNKS[choices.trunk].parameters
    if choices.space == HYBRID and parameters <= smallest:
        raise UserError(
            code="bad_limit",
            message=f"The pretrained network alone has {_millions(smallest)} parameters. Allow more, or "
            "search from scratch.",
        )


def _check_start(choices: SearchChoices, start: Search, owner: User, version: DatasetVersion) -> None:
    """Whether a search may start from another's best network."""

    def refuse(message: str) -> UserError:
        return UserError(code="bad_start", message=message)

    if start.owner_id != owner.pk or start.version.dataset_id != version.dataset_id:
        raise refuse("A search can start from an earlier one of yours on the same dataset. Choose another.")
    best = best_network(start)
    if best is None or best.genome is None:
        raise refuse("The earlier search has no trained network to start from. Choose another.")
    if choices.space != start.space:
        kind = kind_of(Genome.from_dict(best.genome)) if start.space == ANY else start.space
        if choices.space != kind:
            raise refuse(
                "The best network of the earlier search is of another kind. Choose for what is searched: "
                f"“{spaces()[kind].title}”."
            )
    trunk = Genome.from_dict(best.genome).trunk
    if trunk is not None and trunk.name != choices.trunk:
        raise refuse(
            "The best network of the earlier search stands on another pretrained network. Choose for it: "
            f"“{trunks()[trunk.name].title}”."
        )
    if choices.max_parameters and best.parameters and best.parameters > choices.max_parameters:
        raise refuse(
            f"The best network of the earlier search has {_millions(best.parameters)} parameters, more than "
            "your limit. Allow more, or start afresh."
        )
    bound = choices.max_latency_ms if choices.objective == DEFAULTS.objective else None
    if bound and best.latency_ms and best.latency_ms > bound:
        raise refuse(
            f"The best network of the earlier search takes {best.latency_ms:.1f} ms a picture, more than "
            "your limit. Allow more, or start afresh."
        )


def _millions(parameters: int) -> str:
    return f"{parameters / MILLION:.1f} million"
