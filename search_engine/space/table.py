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
        self._nearest: dict[Vector, list[Vector]] = {}
        self._check_table()

    @cached_property
    def _rows(self) -> list[Vector]:
        return list(self.full.rewards)

    @cached_property
    def _matrix(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        return np.array(self._rows, dtype=np.int32)

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
        """As in every space; in a sparse table that lacks them all, the nearest candidates that it holds."""
        found = False
        for neighbour in super().neighbours(vector, rng):
            found = True
            yield neighbour
        if not found:
            nearest = self._nearest_to(vector)
            yield from rng.sample(nearest, len(nearest))

    def _nearest_to(self, vector: Vector) -> list[Vector]:
        """In the order of the table; kept, because a look at all rows takes milliseconds."""
        if vector not in self._nearest:
            distances = (self._matrix != np.array(vector, dtype=np.int32)).sum(axis=1)
            distances[distances == 0] = len(vector) + 1
            places = np.flatnonzero(distances == distances.min()).tolist()
            self._nearest[vector] = [self._rows[i] for i in places]
        return self._nearest[vector]

    def _check_table(self) -> None:
        if not self.full.rewards:
            raise SpaceError("The table holds no rewards.")
        sizes = [len(decision.choices) for decision in self.decisions]
        for vector in self.full.rewards:
            if len(vector) != len(sizes) or any(not 0 <= i < n for i, n in zip(vector, sizes, strict=False)):
                raise SpaceError(f'The key "{self.key(vector)}" of rewards does not fit the choices.')
            if vector not in self.truth:
                raise SpaceError(f'The key "{self.key(vector)}" has rewards but no truth.')
            if not math.isfinite(self.truth[vector]):
                raise SpaceError(f'The truth of "{self.key(vector)}" is not a finite number.')


def read_table(path: Path) -> TableSpace:
    """The table of a JSON file.

    Raises:
        SpaceError: there is no such file, or it is not a table; the text says what is wrong.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise SpaceError(f"The table {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SpaceError(f"The table {path} is not JSON: {error}.") from error
    try:
        low = data.get("low")
        return TableSpace(
            data["choices"],
            {_vector(key): float(value) for key, value in data["truth"].items()},
            Fidelity(cost=float(data.get("cost", 1.0)), rewards=_rewards(data["rewards"])),
            Fidelity(cost=float(low["cost"]), rewards=_rewards(low["rewards"])) if low else None,
        )
    except KeyError as error:
        raise SpaceError(f"The table {path} lacks {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise SpaceError(f"The table {path} does not have the format of a table: {error}.") from error


def _rewards(data: dict[str, list[float]]) -> dict[Vector, tuple[float, ...]]:
    return {_vector(key): tuple(map(float, values)) for key, values in data.items()}


def _vector(key: str) -> Vector:
    return tuple(map(int, key.split(",")))
