"""Search from scratch over the shape of a whole network: depth, width and kind of block, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import BLOCKS, Genome, Head, Recipe, Scratch, Stage
from search_engine.space.base import Decision
from search_engine.space.decisions import read_training
from search_engine.space.scratch_space import ScratchSpace
from search_engine.trial import Vector

WIDTHS = ((16, 24, 32), (24, 32, 48, 64), (48, 64, 96, 128), (64, 96, 128, 192))
"""Channels, stage by stage. The widest network trains some hundred pictures a second on one CPU core."""

STAGES = (3, 4)
FIELDS = ("depth", "width", "block", "squeeze")


class MacroSpace(ScratchSpace):
    """Genomes of three or four stages; the grid is halved from stage to stage."""

    def _body_decisions(self) -> list[Decision]:
        decisions = [Decision("stages", STAGES)]
        for i, widths in enumerate(WIDTHS):
            decisions += [
                Decision(f"stage.{i}.depth", (1, 2, 3)),
                Decision(f"stage.{i}.width", widths),
                Decision(f"stage.{i}.block", BLOCKS),
                Decision(f"stage.{i}.squeeze", (False, True)),
            ]
        return decisions

    def _genome(self, value: Mapping[str, Any]) -> Genome:
        head, recipe = read_training(value)
        stages = (
            Stage(**{field: value[f"stage.{i}.{field}"] for field in FIELDS}) for i in range(value["stages"])
        )
        return _network(Scratch(self.resolution, value["stem"], tuple(stages)), head, recipe)

    def _body_values(self, genome: Genome) -> dict[str, Any]:
        stages = genome.scratch.stages if genome.scratch else ()
        if len(stages) not in STAGES:
            raise SpaceError(f"a network of this space has {' or '.join(map(str, STAGES))} stages")
        value: dict[str, Any] = {"stages": len(stages)}
        value |= {f"stage.{i}.{field}": None for i in range(len(WIDTHS)) for field in FIELDS}
        return value | {
            f"stage.{i}.{f}": v for i, stage in enumerate(stages) for f, v in asdict(stage).items()
        }

    @cached_property
    def starts(self) -> tuple[Vector, ...]:
        """Pairs of plain convolutions as in VGG and airbench, and a small residual network.

        They are what a few dozen passes get furthest with: decision 11.
        """
        plain = tuple(Stage(2, width, "conv", squeeze=False) for width in (32, 64, 128))
        residual = tuple(Stage(1, width, "residual", squeeze=False) for width in (32, 48, 96))
        return tuple(
            self.encode(
                _network(Scratch(self.resolution, "conv_3x3", stages), Head(0, 0.0), self._sound_recipe)
            )
            for stages in (plain, residual)
        )


def _network(scratch: Scratch, head: Head, recipe: Recipe) -> Genome:
    return Genome(
        trunk=None,
        taps=(),
        normal=None,
        reduction=None,
        repeats=0,
        width=0,
        shortcut=False,
        head=head,
        recipe=recipe,
        scratch=scratch,
    )
