"""From any genome to its torch network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome
from search_engine.space.build import Candidate, CellBlock, classifier
from search_engine.space.layout import layout
from search_engine.space.macro_blocks import MacroBlock, make_stem, start_as_identity
from search_engine.space.scratch import PIXELS, ScratchLayout, scratch_layout
from search_engine.space.trunks import EMBEDDING, POOLED


def build(genome: Genome, classes: int) -> Candidate | ScratchNetwork:
    """The trainable part of a network, with fresh weights drawn from torch's global generator.

    Raises:
        SpaceError: the genome makes no network, or there are fewer than two classes.
    """
    return ScratchNetwork(genome, classes) if genome.trunk is None else Candidate(genome, classes)


def input_shapes(genome: Genome) -> dict[str, tuple[int, ...]]:
    """The features that a genome's network may read, and the shape of each for one picture."""
    if genome.trunk is None:
        side = scratch_layout(genome).resolution
        return {PIXELS: (side, side, 3)}
    plan = layout(genome)
    taps = {name: (plan.spec.tap(name).channels, plan.grid, plan.grid) for name in plan.taps}
    pooled = {POOLED: (plan.spec.pooled,)} if plan.pooled else {}
    if plan.tail is not None:
        side = plan.tail.grid(genome.resolution)
        before = {plan.tail.pooled: (plan.spec.pooled_before(plan.tail),)} if plan.pooled else {}
        return {plan.tail.cut: (plan.tail.channels, side, side), **before}
    return {**taps, EMBEDDING: (plan.spec.embedding,), **pooled}


class ScratchNetwork(nn.Module):
    """A whole network that is trained on pixels. Training mode needs two pictures a batch or more.

    Attributes:
        needs: names of the features that ``forward`` reads.
    """

    needs: tuple[str, ...] = (PIXELS,)

    def __init__(self, genome: Genome, classes: int) -> None:
        """Raises ``SpaceError`` as ``build`` does."""
        super().__init__()
        if classes < 2:
            raise SpaceError("a classifier needs at least two labels")
        self.plan: ScratchLayout = scratch_layout(genome)
        # Scales pixels by what the training pictures are like, be they dark, grey or coloured.
        self.standardise = nn.BatchNorm2d(3, affine=False)
        self.stem = make_stem(self.plan)
        self.cells = nn.ModuleList(CellBlock(cell) for cell in self.plan.cells)
        self.blocks = nn.Sequential(*(MacroBlock(block) for block in self.plan.blocks))
        self.feature_norm = nn.BatchNorm1d(self.plan.features, affine=False)
        self.head = classifier(self.plan.features, genome.head, classes)
        start_as_identity(self)
        self.to(memory_format=torch.channels_last)

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        """Class scores.

        Args:
            features: ``pixels``, (N, R, R, 3) float in 0..255; others are ignored.

        Returns:
            Logits, (N, classes).
        """
        pictures = features[PIXELS].permute(0, 3, 1, 2)  # channels last in memory already
        x = self.stem(self.standardise(pictures))
        states = [x]
        for cell in self.cells:
            states.append(cell(states))
        if self.plan.blocks:
            states.append(self.blocks(F.relu(x)))
        pooled = F.relu(states[-1]).mean(dim=(2, 3))
        logits: Tensor = self.head(self.feature_norm(pooled))
        return logits
