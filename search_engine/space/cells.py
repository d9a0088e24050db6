"""Search from scratch as NASNet and ENAS do it: a normal and a reduction cell, stacked into a network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import Cell, Genome, Head, Node, Scratch
from search_engine.space.base import Decision
from search_engine.space.decisions import cell_decisions, read_cell, read_training, write_cell
from search_engine.space.scratch_space import ScratchSpace
from search_engine.trial import Vector


class CellsSpace(ScratchSpace):
    """N normal cells, a reduction, N normal, a reduction, N normal; channels double at reductions."""

    def _body_decisions(self) -> list[Decision]:
        return [
            Decision("repeats", (1, 2)),
            Decision("width", (16, 24, 32)),
            *cell_decisions("normal"),
            *cell_decisions("reduction"),
        ]

    def _genome(self, value: Mapping[str, Any]) -> Genome:
        head, recipe = read_training(value)
        return Genome(
            trunk=None,
            taps=(),
            normal=read_cell("normal", value),
            reduction=read_cell("reduction", value),
            repeats=value["repeats"],
            width=value["width"],
            shortcut=False,
            head=head,
            recipe=recipe,
            scratch=Scratch(self.resolution, value["stem"]),
        )

    def _body_values(self, genome: Genome) -> dict[str, Any]:
        if genome.normal is None or genome.reduction is None:
            raise SpaceError("a network of this space has a normal and a reduction cell")
        macro = {"repeats": genome.repeats, "width": genome.width}
        return macro | write_cell("normal", genome.normal) | write_cell("reduction", genome.reduction)

    @cached_property
    def starts(self) -> tuple[Vector, ...]:
        """Separable convolutions with shortcuts, on a fine grid and, wider and cheaper, on a coarse one."""
        normal = Cell(
            (
                Node(1, "sep_conv_3x3", 1, "identity"),
                Node(2, "sep_conv_3x3", 2, "identity"),
                Node(0, "conv_1x1", 1, "avg_pool_3x3"),
                Node(3, "sep_conv_3x3", 4, "identity"),
            )
        )
        halve = Node(1, "sep_conv_5x5", 0, "sep_conv_3x3")
        reduction = Cell(
            (
                halve,
                Node(1, "max_pool_3x3", 0, "conv_1x1"),
                Node(2, "sep_conv_3x3", 2, "identity"),
                Node(3, "identity", 4, "identity"),
            )
        )

        def network(stem: str, width: int) -> Genome:
            return Genome(
                trunk=None,
                taps=(),
                normal=normal,
                reduction=reduction,
                repeats=1,
                width=width,
                shortcut=False,
                head=Head(hidden=0, dropout=0.0),
                recipe=self._sound_recipe,
                scratch=Scratch(self.resolution, stem),
            )

        return (self.encode(network("conv_3x3", 24)), self.encode(network("patch_4x4", 32)))
