"""Which network a search tries next, and for how long: the arms, the rungs and the repeats.

Pure: the same settings, plan and trials always give the same candidate, so a search that lost every process
goes on from its trials, and a ledger can be replayed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from search_engine.config import Plan, SearchConfig
from search_engine.errors import SettingsError, SpaceError
from search_engine.families import narrowed, open_families, pace, plan_of, rungs, schedule
from search_engine.fidelity import SCHEDULERS, Result
from search_engine.fidelity.base import cost_of
from search_engine.fidelity.prefilter import Prefilter
from search_engine.fidelity.rungs import ETA, Rung
from search_engine.objective import latency_bound
from search_engine.reserve import refit_reserve
from search_engine.space.architecture import Genome
from search_engine.space.base import GenomeSpace
from search_engine.space.limited import LimitedSpace, adopt
from search_engine.space.proxies import Proxies, proxies
from search_engine.space.registry import planned_space
from search_engine.strategies import STRATEGIES
from search_engine.trial import Kind, Origin, Proposal, Trial, TrialState, Vector

RACING = 5
"""Full curves of a rung after which a training may be ended early."""
CURVES = 30
"""Newest curves that say how trainings go on."""
DRAWS = 4
"""Proposals of which a trusted prefilter picks one; with more it would overrule the strategy."""
REPEATS = 20
"""Repeats in a row after which the space counts as used up."""
ENDED = (TrialState.FINISHED, TrialState.FAILED)
ACTIVE = (TrialState.QUEUED, TrialState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A network to try.

    Attributes:
        origin: the strategy or the random arm.
        vector, parent: as proposed.
        rung: how long to train it; an index into ``rungs``.
        drawn: of how many proposals it was picked.
        repeat_of: number of the trial that has answered it already, if one has.
    """

    origin: Origin
    vector: Vector
    parent: int | None
    rung: int
    drawn: int = 1
    repeat_of: int | None = None


def space_of(config: SearchConfig, plan: Plan) -> GenomeSpace:
    """The space that a search tries: the plan's, within the limits of the settings.

    Raises:
        SpaceError: there is no such space.
    """
    space = planned_space(plan)
    if config.max_parameters is None and config.start is None:
        return space
    first = None if config.start is None else _adopted(space, config.start)
    return LimitedSpace(
        space, classes=max(2, plan.classes), max_parameters=config.max_parameters, first=first
    )


def check_limits(config: SearchConfig, plan: Plan, trunk_latency_ms: float) -> None:
    """Refuse limits that nothing of the space can keep.

    Args:
        config: the limits.
        plan: as measured.
        trunk_latency_ms: that every network of the space takes at least, for one picture.

    Raises:
        SettingsError: says what the least is, and what to change.
    """
    bound = latency_bound(config)
    if bound is not None and trunk_latency_ms > bound:
        raise SettingsError(
            f"The pretrained part alone takes {trunk_latency_ms:.1f} ms a picture on this machine, and the "
            f"limit is {bound:g} ms. Allow more, or search for networks from scratch."
        )
    space = space_of(config, plan)
    try:
        space.sample(random.Random(config.seed))
    except SpaceError as error:
        raise SettingsError(str(error)) from error
    if config.start is not None and (not isinstance(space, LimitedSpace) or space.first not in space.starts):
        raise SettingsError(
            "The network to start from is of another kind than those that are searched, or beyond the limit "
            "of parameters. Leave it out, or change the space or the limit."
        )


def _adopted(space: GenomeSpace, start: dict[str, object]) -> Vector | None:
    """None for a network that this space cannot say: its choices may have changed since it was found."""
    try:
        return adopt(space, Genome.from_dict(start))
    except SpaceError:
        return None


def propose(
    config: SearchConfig,
    plan: Plan,
    networks: Sequence[Trial],
    told: Sequence[Trial],
    space: GenomeSpace,
    *,
    left: Sequence[str] | None = None,
) -> Candidate | None:
    """The next network; None once nothing new is left or affordable.

    Args:
        config: what the user wants.
        plan: what the engine measured.
        networks: all so far, by number.
        told: what strategies may learn from, by number: the networks, and a supernet's result.
        space: see ``space_of``.
        left: the families that it may be of; None for all that were not given up.
    """
    if _used_up(networks):
        return None
    ladder = rungs(config, plan)
    left = open_families(config, plan, networks) if left is None else left
    space, told, own = narrowed(left, plan, told, space)
    if _random_is_due(config, plan, networks, left):
        [proposal] = _ask("random", config, own, told, space)
        found = Candidate(origin=Origin.RANDOM, vector=proposal.vector, parent=None, rung=len(ladder) - 1)
    elif len(ladder) > 1:
        made = _scheduled(config, plan, networks, ladder, space)
        if made is None:
            return None
        found = made
    else:
        found = _of_strategy(config, own, networks, told, space)
    return _answered(found, networks, space)


def incumbent(config: SearchConfig, plan: Plan, networks: Sequence[Trial], rung: int) -> float | None:
    """The accuracy that a training at a rung has to beat to be gone on with.

    In full that is the best; of a shorter one it is asked only whether it may be among those that climb. None
    while too few are known, and where accuracy alone does not decide.
    """
    if not config.early_stop or config.objective != "accuracy":
        return None
    rewards = [
        t.reward for t in networks if t.rung == rung and t.reward is not None and not t.killed and t.fits
    ]
    if len(rewards) < RACING:
        return None
    climbing = 0 if rung == len(rungs(config, plan)) - 1 else len(rewards) // ETA
    return sorted(rewards, reverse=True)[climbing]


def _ask(
    name: str,
    config: SearchConfig,
    plan: Plan,
    told: Sequence[Trial],
    space: GenomeSpace,
    *,
    count: int = 1,
) -> list[Proposal]:
    strategy = STRATEGIES[name](space, config.seed, plan.affords(config))
    strategy.update(
        completed=[t for t in told if t.state not in ACTIVE], active=[t for t in told if t.state in ACTIVE]
    )
    return strategy.suggest(count)


def _of_strategy(
    config: SearchConfig, plan: Plan, networks: Sequence[Trial], told: Sequence[Trial], space: GenomeSpace
) -> Candidate:
    """What the strategy says, or of some of its proposals the one that size and synflow speak for."""
    prefilter = _prefilter(config, plan, networks, space)
    count = DRAWS if prefilter and prefilter.trust.trusted else 1
    proposals = _ask(config.strategy, config, plan, told, space, count=count)
    picked = proposals[0]
    if prefilter and count > 1:
        scores = [_proxies(space.decode(proposal.vector), plan.classes) for proposal in proposals]
        picked = proposals[prefilter.pick(scores)]
    return Candidate(origin=Origin.STRATEGY, vector=picked.vector, parent=picked.parent, rung=0, drawn=count)


def _prefilter(
    config: SearchConfig, plan: Plan, networks: Sequence[Trial], space: GenomeSpace
) -> Prefilter | None:
    """Taught by the networks that no filter chose; None if the settings want none.

    A space that was narrowed cannot read the networks of a family that was given up, or with a trained trunk.
    """
    if not config.prefilter:
        return None
    known = [
        t
        for t in networks
        if t.drawn == 1 and t.reward is not None and not t.killed and space.is_legal(t.vector)
    ]
    return Prefilter(
        [(_proxies(space.decode(t.vector), plan.classes), t.reward) for t in known if t.reward is not None]
    )


@lru_cache(maxsize=10_000)
def _proxies(genome: Genome, classes: int) -> Proxies:
    return proxies(genome, max(2, classes))


def _scheduled(
    config: SearchConfig, plan: Plan, networks: Sequence[Trial], ladder: tuple[Rung, ...], space: GenomeSpace
) -> Candidate | None:
    costs = [rung.cost for rung in ladder]
    # By what training takes here: else a slow machine would never reach the last rung, a fast one stop early.
    speed = pace(config, plan, networks)
    kept = refit_reserve(config, speed * costs[-1], speed * costs[-1], plan.folds) * config.slots
    budget = max(costs[-1], (plan.search_seconds(config) - kept) / speed)
    if config.max_trials is not None:
        budget = min(budget, cost_of(config.max_trials, costs, config.random_share))
    budget *= 1.0 - config.random_share
    scheduler = SCHEDULERS[config.fidelity](space, config.strategy, config.seed, costs, budget)
    # What the random arm costs would all be taken from the last rung, since that is where it is trained.
    own = [trial for trial in networks if trial.origin is not Origin.RANDOM]
    job = scheduler.next_job([Result(trial, trial.rung) for trial in own])
    if job is None:
        return None
    return Candidate(origin=Origin.STRATEGY, vector=job.vector, parent=job.parent, rung=job.rung)


def _random_is_due(config: SearchConfig, plan: Plan, networks: Sequence[Trial], left: Sequence[str]) -> bool:
    """Whether the random arm has had less than its share of all epochs, this network included.

    Its networks are trained in full, whatever the strategy's are, and it is spread evenly over the search.
    Where not all have the same schedule, epochs are weighed by the seconds that they are planned to take.
    """
    last = len(rungs(config, plan)) - 1
    names = [schedule(plan, t.vector) for t in networks]
    costs = {name: _planned_costs(config, plan, name) for name in {*names, *left}}
    cost = max(costs[name][-1] for name in left)
    each = [costs[name][min(t.rung, last)] for name, t in zip(names, networks, strict=True)]
    drawn = sum(c for c, t in zip(each, networks, strict=True) if t.origin is Origin.RANDOM)
    spent = sum(each)
    return drawn + cost <= config.random_share * (spent + cost) + 1e-9


def _planned_costs(config: SearchConfig, plan: Plan, name: str) -> list[float]:
    """Of one training at each rung: in epochs, or in seconds where not all have the same schedule."""
    own = plan_of(plan, name)
    ladder = rungs(config, plan, name)
    weight = own.trial_seconds / max(1, ladder[-1].cost) if name or plan.unfreeze else 1.0
    return [rung.cost * weight for rung in ladder]


def _answered(found: Candidate, networks: Sequence[Trial], space: GenomeSpace) -> Candidate:
    """The candidate, with the trial that makes training it needless, if there is one."""
    key = space.key(found.vector)
    whole = found.origin is Origin.RANDOM  # the random arm is trained to the end, so no less answers it
    same = [
        t
        for t in networks
        if t.key == key and t.rung == found.rung and t.state in ENDED and not (whole and t.killed)
    ]
    if not same:
        return found
    same.sort(key=lambda trial: (trial.state is not TrialState.FINISHED, trial.number))
    return replace(found, repeat_of=same[0].number)


def _used_up(networks: Sequence[Trial]) -> bool:
    """Whether the last networks were all repeats."""
    keys: set[tuple[str, int]] = set()
    repeats = 0
    for trial in networks:
        repeats = repeats + 1 if (trial.key, trial.rung) in keys else 0
        keys.add((trial.key, trial.rung))
    return repeats >= REPEATS


def is_network(trial: Trial) -> bool:
    """Not a control and not a supernet."""
    return trial.kind is Kind.NETWORK
