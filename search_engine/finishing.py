"""What a search does with what it found: networks that answer together, and a last training on all pictures.

Pure, like the rest of the planning: the same trials give the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_engine.config import Plan, SearchConfig
from search_engine.families import rungs
from search_engine.proposing import is_network
from search_engine.reserve import refit_factor
from search_engine.steps import Part
from search_engine.trial import Kind, Trial, TrialState, best_of

POOL = 20
"""Best trials that an ensemble is selected from: the worse ones only get in by luck."""


def best_model(config: SearchConfig, plan: Plan, trials: Sequence[Trial]) -> Trial | None:
    """The best that is worth exporting: an ensemble if there is one that is of use, else the best alone."""
    together = ensemble_of(trials)
    usable = together is not None and together.state is TrialState.FINISHED and together.fits
    if together is not None and usable and len(together.members) > 1:
        return together
    return best_of(able(config, plan, trials))


def able(config: SearchConfig, plan: Plan, trials: Sequence[Trial]) -> list[Trial]:
    """Those that may win alone.

    That is neither what always says the same label nor what was trained for less than others. What was ended
    between two folds has not answered on all pictures, so its accuracy is not that of the others.
    """
    top = len(rungs(config, plan)) - 1

    def whole(trial: Trial) -> bool:
        return is_network(trial) and trial.rung == top and not (plan.crossed and trial.killed)

    return [t for t in trials if t.kind in (Kind.LINEAR_PROBE, Kind.FINE_TUNE) or whole(t)]


def ensemble_of(trials: Sequence[Trial]) -> Trial | None:
    """The ensemble of all networks so far, whatever became of it; None if none is newer than all."""
    newest = max((t for t in trials if t.kind is Kind.ENSEMBLE), key=lambda t: t.number, default=None)
    if newest is None or any(is_network(t) and t.number > newest.number for t in trials):
        return None
    return newest


def rivals(config: SearchConfig, plan: Plan, trials: Sequence[Trial]) -> tuple[int, ...]:
    """Numbers of the trials that an ensemble may be made of, the best first; fewer than two if none may be.

    A network that was trained twice under two numbers is the same network, and counts once.
    """
    if not config.ensemble or config.objective != "accuracy":
        return ()
    done = [
        t
        for t in able(config, plan, trials)
        if t.state is TrialState.FINISHED and t.reward is not None and t.fits
    ]
    done.sort(key=lambda t: (-(t.reward or 0.0), t.number))
    first = {t.key: t for t in reversed(done)}
    distinct = [t for t in done if first[t.key] is t]
    return tuple(t.number for t in distinct[:POOL]) if any(map(is_network, distinct)) else ()


def members_of(best: Trial) -> tuple[tuple[int, float], ...]:
    """The trials that a model consists of, and their weights."""
    return best.members or ((best.number, 1.0),)


def refits_of(trials: Sequence[Trial]) -> dict[int, Trial]:
    """Number of a trial to its newest refit; one that was cancelled is none."""
    made = [t for t in trials if t.kind is Kind.REFIT and t.state is not TrialState.CANCELLED]
    return {t.parent: t for t in sorted(made, key=lambda t: t.number) if t.parent is not None}


def refits_due(
    best: Trial, trials: Sequence[Trial], *, seconds: float, slots: int, folds: int = 0
) -> list[tuple[Trial, float]]:
    """The members that are still to be fitted again, and the seconds that each may take.

    Args:
        best: the model to be.
        trials: all.
        seconds: that are left for it.
        slots: that share the work.
        folds: in which each was trained.

    Returns:
        In the order of their weights, without those that there is no time for.
    """
    by_number, made = {t.number: t for t in trials}, refits_of(trials)
    due: list[tuple[Trial, float]] = []
    needed = 0.0
    for number, _ in members_of(best):
        need = refit_factor(folds) * (by_number[number].seconds or 0.0)
        if number in made or max(need, (needed + need) / slots) > seconds:
            continue
        needed += need
        due.append((by_number[number], need))
    spare = seconds - needed / slots
    return [(trial, need + max(0.0, spare)) for trial, need in due]


def parts_of(best: Trial, trials: Sequence[Trial]) -> tuple[Part, ...]:
    """The networks of a model, each with the best weights there are for it."""
    made, members = refits_of(trials), members_of(best)
    total = sum(weight for _, weight in members)
    return tuple(
        Part(
            number=number,
            weights=made[number].number
            if number in made and made[number].state is TrialState.FINISHED
            else number,
            share=weight / total,
        )
        for number, weight in members
    )
