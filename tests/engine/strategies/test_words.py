"""What a search is doing, in words: true, plain, and quick enough for a page."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from search_engine.space.architecture import Trunk
from search_engine.space.hybrid import HybridSpace
from search_engine.strategies import STRATEGIES
from search_engine.strategies.tpe import Tpe
from search_engine.strategies.words import ESTIMATE_AFTER, explain
from search_engine.trial import TrialState
from tests.engine.strategies.toys import ToySpace, play

HYBRID = HybridSpace(Trunk("efficientnet_lite0", 128))
ALL = pytest.mark.parametrize("name", sorted(STRATEGIES))
JARGON = re.compile(
    r"surrogate|posterior|entropy|kernel|acquisition|gaussian|policy|parzen|vector|mutat", re.I
)


@ALL
def test_it_is_one_to_four_plain_sentences_at_any_time(name: str) -> None:
    history = play(STRATEGIES[name](HYBRID, 1, 60), HYBRID, 60)
    said = {explain(name, history[:count], HYBRID, 60) for count in range(0, 61, 5)}
    assert len(said) > 3  # it says something about now
    for text in said:
        assert text.endswith(".")
        assert 1 <= text.count(". ") + 1 <= 4
        assert not JARGON.search(text)


@ALL
def test_the_networks_it_names_are_finished_ones(name: str) -> None:
    history = play(STRATEGIES[name](HYBRID, 2, 40), HYBRID, 40)
    for count in (3, 12, 40):
        known = {t.number for t in history[:count] if t.reward is not None}
        text = explain(name, history[:count], HYBRID, 40)
        assert {int(number) for number in re.findall(r"network (\d+)", text)} <= known


@ALL
def test_sixty_trials_take_no_time(name: str) -> None:
    history = play(STRATEGIES[name](HYBRID, 1, 60), HYBRID, 60)
    started = time.process_time()
    explain(name, history, HYBRID, 60)
    assert time.process_time() - started < 0.05


def test_evolution_names_the_parent() -> None:
    history = play(STRATEGIES["evolution"](ToySpace(), 0, 60), ToySpace(), 60)
    child = next(t for t in history[30:] if t.parent is not None)
    text = explain("evolution", history[: child.number + 1], ToySpace(), 60)
    assert f"Varying network {child.parent}," in text


def test_the_controller_says_how_sure_it_is() -> None:
    history = play(STRATEGIES["reinforce"](ToySpace(), 0, 300), ToySpace(), 30)
    assert "too few" in explain("reinforce", history[:6], ToySpace(), 300)
    same = [replace(t, vector=history[0].vector, parent=None) for t in history]
    assert "all 9 decisions" in explain("reinforce", same, ToySpace(), 300)


def test_auto_says_what_it_took_and_what_that_does() -> None:
    history = play(STRATEGIES["auto"](ToySpace(), 0, 60), ToySpace(), 30)
    text = explain("auto", history, ToySpace(), 60)
    assert "about 60 networks" in text
    assert explain("predictor", history, ToySpace(), 60) in text


def test_nothing_finished_and_unknown_strategies_are_no_error() -> None:
    (first,) = play(STRATEGIES["random"](ToySpace(), 0), ToySpace(), 1)
    failed = replace(first, state=TrialState.FAILED, reward=None)
    assert "first networks" in explain("local", [], ToySpace(), None)
    assert "first networks" in explain("predictor", [failed], ToySpace(), 40)
    assert explain("of tomorrow", [first], ToySpace(), None).endswith("1 network before reached.")


def test_it_needs_neither_torch_nor_optuna() -> None:
    script = "import sys, search_engine.strategies.words; assert not {'torch', 'optuna'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert ESTIMATE_AFTER == Tpe.FIRST
