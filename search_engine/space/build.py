"""From a genome to the torch network that stands on a trunk's activations."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Head
from search_engine.space.blocks import FactorizedReduction, operation, pointwise
from search_engine.space.layout import Layout, PlacedCell, layout
from search_engine.space.tail import TrainedTail
from search_engine.space.trunks import EMBEDDING, POOLED


class CellBlock(nn.Module):
    """One placed cell: nodes of two operations, summed; outputs concatenated and brought to width."""

    def __init__(self, cell: PlacedCell) -> None:
        super().__init__()
        self.cell = cell
        width = cell.width
        self.calibrate = nn.ModuleList(
            FactorizedReduction(source.channels, width) if source.reduce else nn.Identity()
            for source in cell.sources
        )
        self.operations = nn.ModuleList(
            operation(op, width, 2, cell.grid_in)
            if cell.reduction and state < cell.graph.inputs
            else operation(op, width, 1, cell.grid_out)
            for pair in cell.graph.nodes
            for state, op in pair
        )
        self.join = pointwise(len(cell.graph.outputs) * width, cell.width_out)

    def forward(self, earlier: list[Tensor]) -> Tensor:
        """The cell's output; ``earlier`` is the stem and the cells before, each (N, C, G, G)."""
        sources = zip(self.cell.sources, self.calibrate, strict=True)
        states: list[Tensor] = [calibrate(earlier[source.index]) for source, calibrate in sources]
        operations = iter(self.operations)
        for first, second in self.cell.graph.nodes:
            states.append(next(operations)(states[first[0]]) + next(operations)(states[second[0]]))
        outputs = [states[state] for state in self.cell.graph.outputs]
        out: Tensor = self.join(torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0])
        return out


class Candidate(nn.Module):
    """The trainable part of a network: cells on the trunk's taps, or its last stages, and the classifier.

    Training mode needs at least two pictures a batch (batch norm).

    Attributes:
        needs: names of the features that ``forward`` reads.
    """

    def __init__(self, genome: Genome, classes: int) -> None:
        """Build it with fresh weights, drawn from torch's global generator.

        Those of a trained tail are to be loaded; see ``trunk.weights.load_tail``.

        Raises:
            SpaceError: the genome makes no network, or there are fewer than two classes.
        """
        super().__init__()
        if classes < 2:
            raise SpaceError("a classifier needs at least two labels")
        self.plan: Layout = layout(genome)
        tail = self.plan.tail
        read = {EMBEDDING: self.plan.embedding, POOLED: self.plan.pooled}
        if tail is not None:
            read = {tail.cut: True, tail.pooled: self.plan.pooled}
        self.needs: tuple[str, ...] = (*self.plan.taps, *(name for name in read if read[name]))
        width = self.plan.width
        if self.plan.cells:
            # Taps differ in scale by an order of magnitude; standardised they start as equals.
            self.standardise = nn.BatchNorm2d(self.plan.tap_channels, affine=False)
            self.fuse = nn.Conv2d(self.plan.tap_channels, width, 1, bias=False)
            self.fuse_norm = nn.BatchNorm2d(width)
        self.tail = TrainedTail(self.plan.spec, tail) if tail else None
        self.cells = nn.ModuleList(CellBlock(cell) for cell in self.plan.cells)
        self.feature_norm = nn.BatchNorm1d(self.plan.features, affine=False)
        self.head = classifier(self.plan.features, genome.head, classes)
        # Measured on one thread of a CPU: a third faster with separable convolutions, twice with pooling.
        self.to(memory_format=torch.channels_last)

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        """Class scores.

        Args:
            features: a (N, C, G, G) float tensor for each tap or cut, (N, E) for ``embedding``, (N, P) for
                ``pooled`` or what is pooled before a cut; others are ignored.

        Returns:
            Logits, (N, classes).
        """
        logits: Tensor = self.head(self.feature_norm(self.joined(features)))
        return logits

    def train(self, mode: bool = True) -> Candidate:  # noqa: FBT001, FBT002 -- as torch has it
        """With a trained tail what the classifier reads is standardised as it was when the tail began."""
        super().train(mode)
        if self.tail is not None:
            self.feature_norm.eval()
        return self

    def joined(self, features: dict[str, Tensor]) -> Tensor:
        """What the classifier reads before it is standardised, (N, F)."""
        parts = []
        if self.plan.tail is not None and self.tail is not None:
            before = features[self.plan.tail.pooled] if self.plan.pooled else None
            return torch.cat(self.tail(features[self.plan.tail.cut], before), dim=1)
        if self.plan.cells:
            parts.append(F.relu(self._run_cells(features)).mean(dim=(2, 3)))
        parts += [features[name] for name in (EMBEDDING, POOLED) if name in self.needs]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def _run_cells(self, features: dict[str, Tensor]) -> Tensor:
        taps = torch.cat([features[name] for name in self.plan.taps], dim=1)
        taps = taps.contiguous(memory_format=torch.channels_last)
        states = [self.fuse_norm(self.fuse(self.standardise(taps)))]
        for cell in self.cells:
            states.append(cell(states))
        last: Tensor = states[-1]
        return last


def classifier(features: int, head: Head, classes: int) -> nn.Sequential:
    """Layers from features to logits."""
    layers: list[nn.Module] = []
    if head.hidden:
        layers += [nn.Linear(features, head.hidden), nn.ReLU()]
        features = head.hidden
    if head.dropout:
        layers.append(nn.Dropout(head.dropout))
    return nn.Sequential(*layers, nn.Linear(features, classes))
