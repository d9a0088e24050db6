"""The two families of networks of the space ``any``: how long each is trained, and when one is given up.

Pure functions of the settings, the plan and the trials, as all that says what comes next. In every other
space there is one family, called ``""``. Networks that train a part of the trunk belong to the family of all
on a trunk, but their training has a length of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import median

from search_engine.config import FULL, Plan, SearchConfig
from search_engine.fidelity.rungs import Rung, make_rungs
from search_engine.objective import latency_bound
from search_engine.space.architecture import Trunk
from search_engine.space.base import GenomeSpace
from search_engine.space.offer import Offer
from search_engine.space.registry import ANY, make_space
from search_engine.space.trunks import TRUNKS
from search_engine.space.union import FAMILIES, SCRATCH, TRUNK, family_of, only, trains_trunk
from search_engine.trial import Trial, TrialState, Vector

OBSERVED = 3
"""Networks after which measured seconds say more than the plan's."""
FEWEST = 2
"""Networks trained to the end by which a family may be judged: its two starting points."""
CERTAIN = 2.0
"""Standard errors of the difference by which the best of a family must be behind to be given up."""
PLAIN = 4.0
"""The same after one network alone: time is too short to make sure of what is plain to see."""
TUNED = "tuned"
"""Name of the schedule of networks that train a part of the trunk."""
WORDS = {TRUNK: "Networks on the pretrained network", SCRATCH: "Networks from scratch"}


def family(plan: Plan, vector: Vector) -> str:
    """Of a network; empty where the search has one family."""
    return family_of(vector) if plan.space == ANY and vector else ""


def schedule(plan: Plan, vector: Vector) -> str:
    """Under which name the length of a network's training is planned: its family's, or ``TUNED``."""
    if not plan.unfreeze or not vector:
        return family(plan, vector)
    space = _space(plan.space, plan.trunk, Offer(pooled=plan.pooled, unfreeze=plan.unfreeze))
    return TUNED if trains_trunk(space, vector) else family(plan, vector)


@lru_cache(maxsize=8)
def _space(name: str, trunk: str, offer: Offer) -> GenomeSpace:
    """To read vectors by; the resolution does not matter."""
    return make_space(name, Trunk(trunk, TRUNKS[trunk].resolutions[0]), offer=offer)


def plan_of(plan: Plan, name: str) -> Plan:
    """The plan of a family, or of ``TUNED``: its epochs and seconds in the place of those of all."""
    if name == TUNED:
        return replace(plan, epochs=plan.tune_epochs, trial_seconds=plan.tune_seconds)
    if name != SCRATCH:
        return plan
    return replace(plan, epochs=plan.scratch_epochs, trial_seconds=plan.scratch_seconds)


def rungs(config: SearchConfig, plan: Plan, name: str = "") -> tuple[Rung, ...]:
    """The lengths of training of a schedule, cheapest first; the last is the plan's."""
    plan = plan_of(plan, name)
    folds = max(1, plan.folds)
    if config.fidelity == FULL:
        return (Rung(plan.epochs, folds=folds),)
    return make_rungs(plan.epochs, config.saving, folds)


def pace(config: SearchConfig, plan: Plan, networks: Sequence[Trial], name: str = "") -> float:
    """Seconds of a unit of ``Rung.cost``: the median of what was measured since the plan.

    At first the plan is one measurement among them: a plan that is far too slow must not end a short search
    after its first network. What was ended between two folds does not say how long all of them take.
    """
    ladder, own = rungs(config, plan, name), plan_of(plan, name)
    seconds = [
        t.seconds / _cost_of(t, ladder)
        for t in networks
        if t.state is TrialState.FINISHED
        and t.seconds
        and schedule(plan, t.vector) == name
        and not (plan.crossed and t.killed)
    ]
    if len(seconds) < OBSERVED:
        seconds.append(own.trial_seconds / max(1, ladder[-1].cost))
    return median(seconds)


def seconds_of(config: SearchConfig, plan: Plan, networks: Sequence[Trial], rung: int, name: str) -> float:
    """What the next network of a schedule is expected to take at a rung."""
    return rungs(config, plan, name)[rung].cost * pace(config, plan, networks, name)


def _cost_of(trial: Trial, ladder: tuple[Rung, ...]) -> float:
    """Of a finished network; it may have been cut short."""
    rung = ladder[min(trial.rung, len(ladder) - 1)]
    return rung.cost / rung.epochs * (trial.epochs or rung.epochs)


def open_families(config: SearchConfig, plan: Plan, networks: Sequence[Trial]) -> tuple[str, ...]:
    """The families that are still tried; never none.

    A family is given up when ``FEWEST`` of its networks are trained to the end and the best is behind the
    best of another by more than ``CERTAIN`` standard errors of the difference of two binomial shares of the
    validation pictures; after one network already by more than ``PLAIN``. The same pictures judge both,
    which makes the difference surer than that, and the best of a few is flattered in both.
    """
    if plan.space != ANY:
        return ("",)
    possible = _possible(config, plan)
    if len(possible) == 1:
        return possible
    rewards = {name: _rewards(plan, networks, name) for name in possible}
    if not all(rewards.values()):
        return possible
    best = max(max(known) for known in rewards.values())
    return tuple(name for name in possible if not _is_behind(rewards[name], best, plan.validation))


def _is_behind(rewards: Sequence[float], best: float, pictures: int) -> bool:
    needed = CERTAIN if len(rewards) >= FEWEST else PLAIN
    return best - max(rewards) > needed * _error(max(rewards), best, pictures)


def narrowed(
    left: Sequence[str], plan: Plan, told: Sequence[Trial], space: GenomeSpace
) -> tuple[GenomeSpace, list[Trial], Plan]:
    """What a strategy sees of a space, trials and plan if only some families are left."""
    if len(left) > 1 or not left[0]:
        return space, list(told), plan
    [name] = left
    kept = [trial for trial in told if family(plan, trial.vector) == name]
    return only(space, name), kept, plan_of(plan, name)


def verdict(config: SearchConfig, plan: Plan, networks: Sequence[Trial]) -> str:
    """A sentence about the family that was given up, and why; empty while both are tried."""
    left = open_families(config, plan, networks)
    if plan.space != ANY or len(left) > 1:
        return ""
    [kept] = left
    gone = SCRATCH if kept == TRUNK else TRUNK
    low, high = (max(_rewards(plan, networks, name), default=None) for name in (gone, kept))
    if low is None or high is None:
        return f"{WORDS[gone]} are not tried: the time or the limits rule them out."
    return f"{WORDS[gone]} were given up: best {low:.0%} against {high:.0%}."


def is_trunk_ruled_out(config: SearchConfig, plan: Plan) -> bool:
    """Whether the pretrained network alone is beyond the limits."""
    bound = latency_bound(config)
    slow = bound is not None and plan.rates.get("trunk_latency_ms", 0.0) > bound
    return slow or (
        config.max_parameters is not None and TRUNKS[plan.trunk].parameters >= config.max_parameters
    )


def _possible(config: SearchConfig, plan: Plan) -> tuple[str, ...]:
    """The families that the time and the limits allow."""
    if is_trunk_ruled_out(config, plan):
        return (SCRATCH,)
    return FAMILIES if plan.scratch_epochs else (TRUNK,)


def _rewards(plan: Plan, networks: Sequence[Trial], name: str) -> list[float]:
    return [
        trial.reward
        for trial in networks
        if trial.state is TrialState.FINISHED
        and trial.reward is not None
        and not trial.killed
        and family(plan, trial.vector) == name
    ]


def _error(first: float, second: float, pictures: int) -> float:
    """Standard error of the difference; a share of nothing or all counts as half a picture off."""
    count = max(1, pictures)
    edge = min(0.5, 0.5 / count)
    shares = (min(1.0 - edge, max(edge, share)) for share in (first, second))
    return math.sqrt(sum(share * (1.0 - share) for share in shares) / count)
