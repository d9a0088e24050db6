"""Tables: what is read, what is refused, and how a table with gaps is searched."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from search_engine.bench import bench, bench_costs
from search_engine.errors import SpaceError
from search_engine.space.table import Fidelity, TableSpace, read_table
from search_engine.strategies import STRATEGIES
from tests.engine.strategies.toys import play

GOOD: dict[str, Any] = {
    "choices": [["a", "b"], ["x", "y", "z"]],
    "rewards": {"0,0": [0.5, 0.6], "0,1": [0.7], "1,2": [0.9, 0.8]},
    "truth": {"0,0": 0.55, "0,1": 0.7, "1,2": 0.85},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "table.json"
    path.write_text(json.dumps(GOOD | changes))
    return path


def test_a_table_is_a_space(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, cost=200, low={"cost": 12, "rewards": GOOD["rewards"]}))
    assert [len(decision.choices) for decision in table.decisions] == [2, 3]
    assert table.key((1, 2)) == "1,2"
    assert table.is_legal((0, 1))
    assert not table.is_legal((1, 1))
    assert list(table.vectors()) == [(0, 0), (0, 1), (1, 2)]
    assert table.full.cost == 200
    assert table.low is not None
    assert table.low.cost == 12


def test_where_most_single_changes_are_missing_the_nearest_candidates_are_neighbours(tmp_path: Path) -> None:
    """As many as a whole table would give, so that nobody is at once at the end of his neighbourhood."""
    keys = ["0,0,0,0", "1,1,0,0", "1,0,1,0", "1,1,1,0", "1,1,1,1", "0,1,1,1"]
    table = read_table(
        written(
            tmp_path,
            choices=[["a", "b"]] * 4,
            rewards={key: [1.0] for key in keys},
            truth=dict.fromkeys(keys, 1.0),
        )
    )
    near = list(table.neighbours((0, 0, 0, 0), random.Random(0)))
    assert len(near) == len(set(near)) == 4
    assert {(1, 1, 0, 0), (1, 0, 1, 0)} < set(near)
    assert (1, 1, 1, 1) not in near
    assert near != list(table.neighbours((0, 0, 0, 0), random.Random(1)))


def test_where_few_single_changes_are_missing_the_others_are_the_neighbours(tmp_path: Path) -> None:
    rewards = GOOD["rewards"] | {"1,0": [0.1], "0,2": [0.2]}
    table = read_table(written(tmp_path, rewards=rewards, truth=dict.fromkeys(rewards, 1.0)))
    assert set(table.neighbours((0, 0), random.Random(0))) == {(0, 1), (0, 2), (1, 0)}
    assert set(table.neighbours((1, 2), random.Random(0))) == {(1, 0), (0, 2)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rewards": {}}, "no rewards"),
        ({"rewards": {"0,3": [1.0]}}, '"0,3"'),
        ({"rewards": {"0": [1.0]}}, '"0"'),
        ({"truth": {"0,0": 1.0}}, "no truth"),
        ({"truth": GOOD["truth"] | {"0,1": float("nan")}}, "finite"),
        ({"rewards": {"a,b": [1.0]}}, "format"),
        ({"low": {"rewards": {}}}, "'cost'"),
        ({"low": {"cost": 0, "rewards": {}}}, "above 0"),
        ({"cost": float("nan")}, "above 0"),
        ({"low": {"cost": 1, "rewards": {"0,7": [1.0]}}}, 'The key "0,7" of the rewards of low'),
        ({"low": [12]}, "format"),
        ({"choices": None}, "format"),
        ({"choices": [2, 3]}, "format"),
        ({"choices": []}, "does not fit"),
        ({"choices": [[], ["x", "y", "z"]]}, "does not fit"),
        ({"rewards": {"0,0": 0.5}}, "format"),
    ],
)
def test_a_bad_table_is_refused_with_the_reason(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        read_table(written(tmp_path, **changes))


def test_a_missing_or_broken_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"nothing\.json"):
        read_table(tmp_path / "nothing.json")
    for text in ("{", "[" * 100_000):
        (tmp_path / "broken.json").write_text(text)
        with pytest.raises(SpaceError, match="not JSON"):
            read_table(tmp_path / "broken.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(SpaceError, match="format of a table"):
        read_table(tmp_path / "list.json")


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_sparse_table_is_searched_through(name: str, tmp_path: Path) -> None:
    """One in a hundred of the combinations exists: most neighbours do not."""
    rng = random.Random(1)
    vectors = {tuple(rng.randrange(5) for _ in range(6)) for _ in range(150)}
    truth = {",".join(map(str, v)): -float(sum((x - 2) ** 2 for x in v)) for v in sorted(vectors)}
    rewards = {key: [value] for key, value in truth.items()}
    table = read_table(written(tmp_path, choices=[list("abcde")] * 6, rewards=rewards, truth=truth))
    history = play(STRATEGIES[name](table, 0, len(vectors)), table, len(vectors))
    assert {trial.vector for trial in history} == vectors


@pytest.mark.parametrize(
    ("costs", "budget", "words"),
    [
        ((10, 1), math.nan, "no end"),
        ((10, 1), math.inf, "no end"),
        ((10, 1), 0.5, "does not pay for one training"),
        ((1, 10), 100.0, "costs 10"),
    ],
)
def test_costs_that_make_no_sense_are_refused(
    costs: tuple[int, int], budget: float, words: str, tmp_path: Path
) -> None:
    full, low = costs
    table = read_table(written(tmp_path, cost=full, low={"cost": low, "rewards": GOOD["rewards"]}))
    with pytest.raises(SpaceError, match=words):
        bench_costs(table, "evolution", "halving", budget, 1)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@pytest.mark.parametrize("sizes", [(1,), (9,), (1, 1, 3), (2,) * 7, (1, 4, 3, 7)])
def test_tables_of_any_shape_are_searched_with_gaps_noise_and_any_sign(
    sizes: tuple[int, ...], name: str
) -> None:
    """One decision, decisions without a choice, diverged trainings, and rewards below zero."""
    rng = random.Random(3)
    truth = {v: -sum(v) - 5.0 for v in itertools.product(*map(range, sizes))}
    rewards = {v: () if rng.random() < 0.1 else (t + rng.gauss(0, 0.2),) for v, t in truth.items()}
    table = TableSpace([list(range(n)) for n in sizes], truth, Fidelity(cost=1.0, rewards=rewards))
    said = bench(table, name, 30, 2)
    assert list(said["mean"]) == ["10", "20"]
    assert -5.0 >= said["mean"]["20"] >= min(truth.values())


def test_a_search_of_a_few_evaluations_says_what_it_found(tmp_path: Path) -> None:
    assert bench(read_table(written(tmp_path)), "random", 3, 2)["mean"] == {"3": 0.85}


def test_a_candidate_that_low_lacks_could_not_be_trained_briefly(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    keys = [f"{a},{b}" for a in range(3) for b in range(3)]
    rewards = {key: [float(sum(map(int, key.split(","))))] for key in keys}
    low = {"cost": 1, "rewards": {key: rewards[key] for key in keys[:6]}}
    data = {"choices": [[0, 1, 2]] * 2, "rewards": rewards, "truth": {k: v[0] for k, v in rewards.items()}}
    path.write_text(json.dumps(data | {"low": low, "cost": 10}))
    result = bench_costs(read_table(path), "evolution", "halving", 60.0, 3)
    assert list(result["mean"].values())[-1] == 3.0  # the best that can be trained briefly is 1,2
