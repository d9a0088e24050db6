"""The search by shared weights: what it promises about time, pools, repeats and the order of candidates."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from search_engine.errors import Cancelled, TrialFailed
from search_engine.space.architecture import Cell, Genome, Node
from search_engine.supernet import SupernetResult, scoring, search, search_supernet
from search_engine.supernet.network import Supernet
from search_engine.supernet.paths import count_operations
from search_engine.supernet.scoring import Scorer
from search_engine.supernet.search import Hunt, TimeBox, train_scorer
from search_engine.supernet.training import train_shared
from search_engine.trainer.loop import Examples, predict
from tests.engine.supernet.drawn import (
    CELLS,
    HYBRID,
    cells_base,
    domino_maps,
    domino_pictures,
    one_cell_base,
    one_cell_paths,
)

TRAINING, VALIDATION = domino_maps(192, seed=1), domino_maps(96, seed=2)


def run(
    *,
    seed: int = 0,
    steps: int | None = 6,
    seconds: float = 60.0,
    validation: Examples = VALIDATION,
    stop: Callable[[], bool] = lambda: False,
    told: list[tuple[str, float]] | None = None,
) -> SupernetResult:
    return search_supernet(
        HYBRID,
        one_cell_base(),
        TRAINING,
        validation,
        2,
        seconds=seconds,
        seed=seed,
        on_progress=lambda *what: (told if told is not None else []).append(what),
        should_stop=stop,
        steps=steps,
    )


def test_the_same_seed_and_steps_give_the_same_result() -> None:
    first, same, other = run(), run(), run(seed=1)
    assert (first.found, first.histogram) == (same.found, same.histogram)
    assert first.found != other.found
    assert first.steps == 6


def test_the_best_ten_are_distinct_legal_and_in_order() -> None:
    result = run(steps=140)
    assert result.scored == 14
    assert len(result.found) == 10
    assert len({HYBRID.key(vector) for vector, _ in result.found}) == 10
    scores = [score for _, score in result.found]
    assert scores == sorted(scores, reverse=True)
    paths = one_cell_paths()
    for vector, _ in result.found:
        HYBRID.check(vector)
        own = dict(zip((d.name for d in HYBRID.decisions), vector, strict=True))
        assert paths.is_legal(tuple(own[d.name] for d in paths.decisions))
    assert sum(result.histogram.values()) > 0


def test_the_best_are_scored_again_on_all_held_out_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "POOL", 40)
    sizes: list[int] = []
    score = Scorer._score

    def counted(self: Scorer, path: object, examples: Examples) -> float:
        sizes.append(len(examples))
        return score(self, path, examples)  # type: ignore[arg-type]

    monkeypatch.setattr(Scorer, "_score", counted)
    result = run(steps=120)
    assert sizes == [40] * 12 + [96] * 10
    assert all(round(score * 96) == pytest.approx(score * 96) for _, score in result.found)


def test_the_reward_is_taken_of_a_thousand_pictures_or_of_all() -> None:
    supernet = Supernet(one_cell_base(), 2)
    few = Scorer(supernet, TRAINING, VALIDATION, seed=0)
    assert few.pool_is_everything
    assert sorted(few.pool.rows.tolist()) == VALIDATION.rows.tolist()
    crowd = Examples({"stage2": torch.zeros(3000)}, torch.zeros(3000).long(), torch.arange(3000))
    many = Scorer(supernet, TRAINING, crowd, seed=0)
    assert len(set(many.pool.rows.tolist())) == len(many.pool) >= 1000
    assert many.full_cost == pytest.approx((192 + 3000) / (192 + 1024))


def test_a_score_is_that_of_the_network_alone_with_the_inherited_weights() -> None:
    """Also where the held-out pictures are sorted by class, as these are."""
    paths = one_cell_paths()
    torch.manual_seed(0)
    supernet = Supernet(paths.base, 2)
    train_shared(
        supernet, paths, TRAINING, seed=0, progress=lambda done: done / 20, should_stop=lambda: False
    )
    scorer = Scorer(supernet, TRAINING, VALIDATION, seed=0)
    for seed in range(3):
        genome = paths.genome(paths.uniform(random.Random(seed)))
        score = scorer.accuracy(genome)
        logits = predict(supernet.inherit(genome), VALIDATION)
        assert score == pytest.approx(float((logits.argmax(1) == VALIDATION.labels).float().mean()), abs=0.01)
        assert scorer.accuracy(genome) == score


class Clock:
    """Every look at it takes a tenth of a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


@pytest.mark.parametrize("seconds", [0.1, 12.0])
def test_it_ends_in_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    clock = Clock()
    monkeypatch.setattr(search, "time", SimpleNamespace(monotonic=clock))
    told: list[tuple[str, float]] = []
    result = run(steps=None, seconds=seconds, told=told)
    assert result.steps >= 1
    assert len(result.found) >= 1
    assert result.seconds < seconds + 1.0
    if seconds > 1:
        assert result.steps == pytest.approx(search.TRAIN_SHARE * seconds / 0.1, abs=2)
        assert result.seconds > 0.85 * seconds
        assert result.scored > 3
    shares = [share for _, share in told]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert len({text for text, _ in told}) >= (2 if seconds > 1 else 1)


@pytest.mark.parametrize("calls", [0, 3, 8])
def test_it_stops_when_asked(calls: int) -> None:
    """Before the first step, amid the training, amid the scores."""
    left = calls

    def stop() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    with pytest.raises(Cancelled):
        run(stop=stop)


def test_weights_that_diverge_are_a_failure() -> None:
    paths = one_cell_paths()
    supernet = Supernet(paths.base, 2)
    for parameter in supernet.parameters():
        torch.nn.init.constant_(parameter, math.nan)
    with pytest.raises(TrialFailed, match="diverged"):
        train_shared(
            supernet, paths, TRAINING, seed=0, progress=lambda done: done / 50, should_stop=lambda: False
        )


def test_a_step_leaves_the_weights_beside_its_path_as_they_are() -> None:
    paths = one_cell_paths()
    torch.manual_seed(0)
    supernet = Supernet(paths.base, 2)
    before: dict[str, Tensor] = {name: p.detach().clone() for name, p in supernet.named_parameters()}
    train_shared(supernet, paths, TRAINING, seed=0, progress=float, should_stop=lambda: False)
    alone = supernet.inherit(paths.genome(paths.uniform(random.Random("0:paths"))))
    moved = sum(p.numel() for n, p in supernet.named_parameters() if not torch.equal(p, before[n]))
    assert 0 < moved <= sum(p.numel() for p in alone.parameters())


def test_networks_from_scratch_share_weights_too() -> None:
    pictures = domino_pictures(48, seed=1)
    results = [
        search_supernet(
            CELLS,
            cells_base(),
            pictures,
            domino_pictures(24, seed=2),
            2,
            seconds=60.0,
            seed=0,
            on_progress=lambda *_: None,
            should_stop=lambda: False,
            steps=2,
        )
        for _ in range(2)
    ]
    assert results[0].found == results[1].found
    assert results[0].steps == 2


def test_it_finds_the_operation_that_the_task_needs() -> None:
    """Dominoes that lie or stand: without a spatial filter a network cannot be better than a guess."""
    paths, box = one_cell_paths(), TimeBox(0.0, 60.0, steps=250)
    scorer, _ = train_scorer(
        paths, TRAINING, VALIDATION, 2, seed=0, progress=box.training, should_stop=lambda: False
    )
    assert scorer.accuracy(all_of("conv_1x1")) < 0.65
    assert scorer.accuracy(all_of("sep_conv_3x3")) > 0.85
    hunt = Hunt(paths, scorer, box, 0, on_progress=lambda *_: None, should_stop=lambda: False)
    hunt.run()
    best = hunt.best_again()
    assert len(best) == 10
    for vector, accuracy in best:
        counts = count_operations([paths.genome(vector)])
        assert counts["sep_conv_3x3"] + counts["sep_conv_5x5"] > 0
        assert accuracy > 0.9


def all_of(op: str) -> Genome:
    """The path whose cell is one operation throughout."""
    cell = Cell(tuple(Node(i, op, i + 1, op) for i in range(4)))
    return replace(one_cell_base(), normal=cell)
