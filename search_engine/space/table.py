"""A table of results that somebody measured, as a search space: candidates cost a look instead of a training.

The format is JSON: ``choices`` lists the options of each decision, ``rewards`` the measured rewards of each
candidate (one for each training that was run), ``truth`` what the candidate is really worth. A key of both is
one index a decision, joined by commas. ``low`` may hold the rewards of a shorter training, and its ``cost``
beside the full training's ``cost``; a candidate that it lacks could not be trained briefly. A table need not
hold every combination: what it lacks is not legal.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from search_engine.errors import SpaceError
from search_engine.space.base import Decision, VectorSpace
from search_engine.trial import Vector

Rewards = Mapping[Vector, Sequence[float]]

SPARSE = 0.1
"""Share of the usual neighbours below which there are too few to search by. With half of them local search
does better among these than among as many that lie up to two changes away; with none it was no better than
chance (decision 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """One length of training.

    Attributes:
        cost: of one evaluation, in any unit (epochs, seconds).
        rewards: what was measured, by candidate; an empty list is a candidate that could not be trained.
    """

    cost: float
    rewards: Rewards


class TableSpace(VectorSpace):
    """The candidates of a table. There are no isomorphic ones: a candidate's key is its vector.

    Attributes:
        decisions: as the table lists them.
        full: the training that counts.
        low: a cheaper one, if the table has it.
        truth: what a candidate is worth, free of noise.
    """

    decisions: tuple[Decision, ...] = ()

    def __init__(
        self,
        choices: Sequence[Sequence[Any]],
        truth: Mapping[Vector, float],
        full: Fidelity,
        low: Fidelity | None = None,
    ) -> None:
        """Raises ``SpaceError`` for vectors that do not fit the choices, or rewards without truth."""
        self.decisions = tuple(Decision(f"d{i}", tuple(options)) for i, options in enumerate(choices))
        self.full = full
        self.low = low
        self.truth = truth
        self._near: dict[Vector, list[Vector]] = {}
        self._check_table()

    @cached_property
    def _rows(self) -> list[Vector]:
        return list(self.full.rewards)

    @cached_property
    def _is_whole(self) -> bool:
        return len(self.full.rewards) == math.prod(len(decision.choices) for decision in self.decisions)

    @cached_property
    def _columns(self) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        return [np.array(column, dtype=np.int32) for column in zip(*self._rows, strict=True)]

    @cached_property
    def _lots(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """0..1 by row: which of equally near candidates counts as nearer; by chance, not by order."""
        return np.random.default_rng(0).random(len(self._rows))

    def key(self, vector: Vector) -> str:
        return ",".join(map(str, vector))

    def is_legal(self, vector: Vector) -> bool:
        return vector in self.full.rewards

    def sample(self, rng: random.Random) -> Vector:
        """Any candidate of the table, each equally likely."""
        return rng.choice(self._rows)

    def vectors(self) -> Iterator[Vector]:
        return iter(self._rows)

    def neighbours(self, vector: Vector, rng: random.Random) -> Iterator[Vector]:
        """As in every space; where nearly all of them are missing, as many of the nearest there are."""
        if self._is_whole:
            yield from super().neighbours(vector, rng)
        else:
            near = self._nearest_to(vector)
            yield from rng.sample(near, len(near))

    def _nearest_to(self, vector: Vector) -> list[Vector]:
        """Kept, because a look at all rows takes milliseconds."""
        if vector not in self._near:
            distances = np.zeros(len(self._rows), dtype=np.int32)
            for column, index in zip(self._columns, vector, strict=True):
                distances += column != index
            places = np.flatnonzero(distances == 1)
            usual = sum(len(decision.choices) - 1 for decision in self.decisions)
            if len(places) < SPARSE * usual:
                others = np.flatnonzero(distances)
                order = (distances + self._lots)[others]
                places = others[np.argpartition(order, usual)[:usual]] if len(others) > usual else others
            self._near[vector] = [self._rows[i] for i in places.tolist()]
        return self._near[vector]

    def _check_table(self) -> None:
        if not self.full.rewards:
            raise SpaceError("The table holds no rewards.")
        for vector in self.full.rewards:
            self._check_key(vector, "rewards")
            if vector not in self.truth:
                raise SpaceError(f'The key "{self.key(vector)}" has rewards but no truth.')
            if not math.isfinite(self.truth[vector]):
                raise SpaceError(f'The truth of "{self.key(vector)}" is not a finite number.')
        _check_cost("cost", self.full.cost)
        if self.low is None:
            return
        _check_cost("cost of low", self.low.cost)
        for vector in self.low.rewards:
            self._check_key(vector, "the rewards of low")

    def _check_key(self, vector: Vector, where: str) -> None:
        sizes = [len(decision.choices) for decision in self.decisions]
        if len(vector) != len(sizes) or any(not 0 <= i < n for i, n in zip(vector, sizes, strict=True)):
            raise SpaceError(
                f'The key "{self.key(vector)}" of {where} does not fit the choices: it must be '
                f"{len(sizes)} indices, one a decision, each counted from 0."
            )


def _check_cost(what: str, cost: float) -> None:
    if not 0 < cost < math.inf:
        raise SpaceError(f"The {what} must be a number above 0, not {cost:g}.")


def read_table(path: Path) -> TableSpace:
    """The table of a JSON file.

    Raises:
        SpaceError: there is no such file, or it is not a table; the text says what is wrong.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise SpaceError(f"The table {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SpaceError(f"The table {path} is not JSON: {error}.") from error
    try:
        return _table(data)
    except KeyError as error:
        raise SpaceError(f"The table {path} lacks {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise SpaceError(
            f"The table {path} does not have the format of a table, "
            '{"choices": [["a", "b"], …], "rewards": {"0,…": [0.9, …], …}, "truth": {"0,…": 0.9, …}}: '
            f"{error}."
        ) from error


def _table(data: dict[str, Any]) -> TableSpace:
    low = data.get("low")
    return TableSpace(
        data["choices"],
        {_vector(key): float(value) for key, value in data["truth"].items()},
        Fidelity(cost=float(data.get("cost", 1.0)), rewards=_rewards(data["rewards"])),
        None if low is None else Fidelity(cost=float(low["cost"]), rewards=_rewards(low["rewards"])),
    )


def _rewards(data: dict[str, list[float]]) -> dict[Vector, tuple[float, ...]]:
    return {_vector(key): tuple(map(float, values)) for key, values in data.items()}


def _vector(key: str) -> Vector:
    return tuple(map(int, key.split(",")))
