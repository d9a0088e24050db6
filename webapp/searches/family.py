"""Where a network of a search comes from: its ancestors, from the rows, and how sure each gain is."""

from __future__ import annotations

import math
from dataclasses import replace

from search_engine.evaluate.bootstrap import paired_standard_error, unpack_bits
from search_engine.space.limited import LimitedSpace
from search_engine.space.lineage import Step, ancestors, lineage, where_from
from search_engine.trial import Trial as FrozenTrial
from webapp.searches.models import Search, Trial
from webapp.searches.replay import frozen, search_config, search_space, strategy_name


def family_of(trial: Trial) -> tuple[tuple[Step, ...], str]:
    """The trial's line, oldest first, and where the oldest comes from; nothing for a control."""
    search = trial.search
    if search.plan is None or trial.kind != Trial.Kind.NETWORK:
        return (), ""
    rows = search.trials.filter(kind=Trial.Kind.NETWORK, number__lte=trial.number)
    rows = rows.defer("right", "genome", "error")
    config = search_config(search)
    # What a change gained is told in accuracy, also where the search's reward weighs in the speed.
    trials = [replace(frozen(row, config), reward=row.accuracy) for row in rows]
    space = search_space(search)
    errors = Errors(search, [ancestor.number for ancestor in ancestors(trial.number, trials)])
    line = lineage(trial.number, trials, space, errors)
    first = space.first if isinstance(space, LimitedSpace) else None
    adopted = "" if first is None else space.key(first)
    return line, where_from(line[0].trial, space, strategy_name(search), adopted=adopted)


class Errors:
    """Standard errors of differences; in pairs where it is known which pictures both are right on."""

    def __init__(self, search: Search, numbers: list[int]) -> None:
        rows = search.trials.filter(number__in=numbers).values_list("number", "right", "standard_error")
        self._right = {number: unpack_bits(right) for number, right, _ in rows if right}
        self._error = {number: error for number, _, error in rows}

    def __call__(self, child: FrozenTrial, parent: FrozenTrial) -> float | None:
        first, second = self._right.get(child.number), self._right.get(parent.number)
        if first is not None and second is not None and len(first) == len(second) > 0:
            return paired_standard_error(first, second)
        errors = self._error.get(child.number), self._error.get(parent.number)
        if errors[0] is None or errors[1] is None:
            return None
        return math.hypot(errors[0], errors[1])
