"""Which trials count, and which of them is the best."""

from __future__ import annotations

from search_engine.objective import fits, reward_of
from webapp.searches.models import Trial
from webapp.searches.replay import DEFAULT_OBJECTIVE, search_config, top_rung


def finished(trials: list[Trial]) -> list[Trial]:
    return [t for t in trials if t.state == Trial.State.FINISHED and t.accuracy is not None]


def best_of(trials: list[Trial]) -> Trial | None:
    """The best model, as in the engine.

    An ensemble of all networks so far, or else within the limits, trained in full; the earliest wins a tie.
    """
    newest = max((t.number for t in trials if t.kind == Trial.Kind.NETWORK), default=0)
    for trial in finished(trials):
        if trial.kind == Trial.Kind.ENSEMBLE and len(trial.members) > 1 and trial.number > newest:
            return trial
    able = [trial for trial in finished(trials) if not outside(trial) and trial.kind != Trial.Kind.ENSEMBLE]
    if able:
        top = top_rung(able[0].search)
        able = [t for t in able if t.kind != Trial.Kind.NETWORK or (t.rung == top and not is_partial(t))]
    return min(able, key=lambda t: (-worth_of(t), t.number), default=None)


def is_partial(trial: Trial) -> bool:
    """Whether it was ended between the folds of a cross-validation, so that not all pictures judged it."""
    return trial.killed and trial.search.folds > 1


def worth_of(trial: Trial) -> float:
    """What it earned in its search: its accuracy, unless the search had another objective; -1 for nothing."""
    search = trial.search
    if search.objective == DEFAULT_OBJECTIVE:
        reward = trial.accuracy
    else:
        reward = reward_of(search_config(search), trial.accuracy, trial.latency_ms)
    return -1.0 if reward is None else reward


def outside(trial: Trial) -> str:
    """ "too slow" or "too large" if the trial is beyond a limit of its search; else empty."""
    search = trial.search
    if search.max_parameters is None and search.max_latency_ms is None:
        return ""
    config = search_config(search)
    if fits(config, trial.parameters, trial.latency_ms):
        return ""
    return "too slow" if fits(config, trial.parameters, None) else "too large"


def marks(trial: Trial, top: int) -> list[str]:
    """What sets a trial apart from one that was trained in full and may win; ``top`` as ``top_rung``."""
    found = [outside(trial)]
    if trial.repeat_of is not None:
        found.append(f"same as {trial.repeat_of}")
    if trial.killed:
        found.append("ended early")
    elif trial.kind == Trial.Kind.NETWORK and trial.rung < top:
        found.append("trained briefly")
    return [mark for mark in found if mark]


def arms(trials: list[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The networks that the search proposed, and those that were drawn at random, by number.

    Only those that might win: trained in full or ended early, within the limits, and no repeats, which cost
    nothing and find nothing. Those that only a part of the pictures judged cannot be compared.
    """
    networks = [t for t in finished(trials) if t.kind == Trial.Kind.NETWORK and t.repeat_of is None]
    top = top_rung(networks[0].search) if networks else 0
    networks = sorted(
        (t for t in networks if t.rung == top and not outside(t) and not is_partial(t)),
        key=lambda t: t.number,
    )
    random = [trial for trial in networks if trial.origin == Trial.Origin.RANDOM]
    return [trial for trial in networks if trial.origin != Trial.Origin.RANDOM], random
