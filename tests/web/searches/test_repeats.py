"""A network that was trained already is not trained again: the ledger knows how it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from search_engine.commands import Train
from search_engine.config import SearchConfig
from search_engine.proposing import space_of
from search_engine.strategies import STRATEGIES
from search_engine.trial import Proposal, Trial
from tests.web.searches.making import PLAN, claimed, commands_of, make_search, run_slot
from webapp.accounts.models import User
from webapp.searches.models import Search


class Stubborn:
    """Knows two networks and proposes them in turn, as any strategy does whose space is used up."""

    def __init__(self, *_: object) -> None:
        self.known = 0

    def update(self, completed: Sequence[Trial], active: Sequence[Trial]) -> None:
        self.known = len(completed) + len(active)

    def suggest(self, count: int) -> list[Proposal]:
        starts = space_of(SearchConfig(budget_seconds=60.0), PLAN).starts
        return [Proposal(starts[number % 2]) for number in range(self.known, self.known + count)]


def test_repeat_is_answered_from_the_ledger(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "evolution", Stubborn)
    search = make_search(alice, max_trials=5, strategy="evolution")
    run_slot(claimed(search))
    search.refresh_from_db()
    assert search.state == Search.State.FINISHED
    hashes = dict(search.trials.values_list("number", "genome_hash"))
    trained = [command.number for command in commands_of(search) if isinstance(command, Train)]
    assert set(Counter(hashes[number] for number in trained).values()) == {1}
    repeats = search.trials.exclude(repeat_of=None)
    assert repeats.count() == 3
    for repeat in repeats:
        assert repeat.repeat_of is not None
        first = search.trials.get(number=repeat.repeat_of)
        assert (repeat.genome_hash, repeat.accuracy, repeat.seconds) == (
            first.genome_hash,
            first.accuracy,
            0.0,
        )
    assert "not trained again" in "".join(search.log_lines.values_list("text", flat=True))
