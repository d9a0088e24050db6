"""The supernet: one network that holds the weights of every path through its cells."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import SpaceError
from search_engine.space.architecture import OPERATIONS, Cell, Genome, Node
from search_engine.space.blocks import FactorizedReduction, operation
from search_engine.space.build import Candidate, CellBlock
from search_engine.space.decisions import NODES
from search_engine.space.graph import Edge
from search_engine.space.layout import PlacedCell
from search_engine.space.macro_blocks import start_as_identity
from search_engine.space.networks import ScratchNetwork, build
from search_engine.supernet.paths import differs_in_cells_only, placed_cells

_ALL_READ = Cell((Node(0, "conv_1x1", 1, "conv_1x1"),) * NODES)
"""A cell that reads both of its inputs, so that no cell before it is left out."""


class SharedCell(nn.Module):
    """The weights of all cells that can stand at one place, and the way through one of them.

    A weight belongs to a node, a side, an operation and a stride; a slice of the joining convolution belongs
    to a state. Nodes, sides and states are those of the canonical graph, so paths that mean the same network
    share all weights and score the same.
    """

    def __init__(self, place: PlacedCell) -> None:
        """Args:
        place: any cell at this place that reads all there is to read.
        """
        super().__init__()
        width = place.width
        self.calibrate = nn.ModuleDict()  # only the older source can be on a finer grid
        for source in place.sources:
            if source.reduce:
                self.calibrate["older"] = FactorizedReduction(source.channels, width)
        self.operations = nn.ModuleDict()
        for stride in (1, 2) if place.reduction else (1,):
            grid = place.grid_in if stride == 2 else place.grid_out
            for node in range(NODES):
                for side in range(2):
                    for op in OPERATIONS:
                        self.operations[_slot(node, side, op, stride)] = operation(op, width, stride, grid)
        self.join = nn.ParameterList(
            nn.init.kaiming_uniform_(torch.empty(place.width_out, width, 1, 1), a=5**0.5)
            for _ in range(2 + NODES)
        )
        self.norm = nn.BatchNorm2d(place.width_out)

    def forward(self, cell: PlacedCell, earlier: list[Tensor]) -> Tensor:
        """What ``CellBlock`` of this cell gives, with the shared weights."""
        states = [
            self.calibrate["older"](earlier[source.index]) if source.reduce else earlier[source.index]
            for source in cell.sources
        ]
        for node, pair in enumerate(cell.graph.nodes):
            first, second = (self.edge(cell, node, side)(states[edge[0]]) for side, edge in enumerate(pair))
            states.append(first + second)
        outputs = [states[state] for state in cell.graph.outputs]
        joined = F.relu(torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0])
        out: Tensor = self.norm(F.conv2d(joined, self.join_weight(cell)))
        return out

    def edge(self, cell: PlacedCell, node: int, side: int) -> nn.Module:
        """The operation on one side of a node."""
        edge: Edge = cell.graph.nodes[node][side]
        stride = 2 if cell.reduction and edge[0] < cell.graph.inputs else 1
        return self.operations[_slot(node, side, edge[1], stride)]

    def join_weight(self, cell: PlacedCell) -> Tensor:
        """One 1 x 1 convolution over all loose ends, which is the sum of one over each (as in ENAS)."""
        first = 2 - cell.graph.inputs  # so that nodes have the same slices however many inputs are read
        return torch.cat([self.join[first + state] for state in cell.graph.outputs], dim=1)


def _slot(node: int, side: int, op: str, stride: int) -> str:
    return f"node{node}_{'ab'[side]}_{op}_stride{stride}"


class _SharedCells(nn.Module):
    """Takes the place of a network's cells; goes through those in ``path``."""

    def __init__(self, places: tuple[PlacedCell, ...]) -> None:
        super().__init__()
        self.shared = nn.ModuleList(SharedCell(place) for place in places)
        self.path: tuple[PlacedCell, ...] = ()

    def forward(self, stem: list[Tensor]) -> Tensor:
        states = list(stem)
        for cell in self.path:
            states.append(self.shared[cell.place](cell, states))
        return states[-1]


class Supernet(nn.Module):
    """Every network that differs from a base in its cells only, with common weights.

    Whatever is not a cell is the base's own network, so a path is computed by the very code that computes
    the network alone. Training mode needs two pictures a batch or more.

    Attributes:
        base: the genome that fixes everything but the cells.
        classes: labels.
    """

    def __init__(self, base: Genome, classes: int) -> None:
        """Build it with fresh weights, drawn from torch's global generator.

        Raises:
            SpaceError: the base has no cells or makes no network, or there are fewer than two classes.
        """
        super().__init__()
        if base.normal is None:
            raise SpaceError("a supernet needs a base with cells")
        self.base = base
        self.classes = classes
        full = replace(base, normal=_ALL_READ, reduction=base.reduction and _ALL_READ)
        self._frame = build(base, classes)
        self._cells = _SharedCells(placed_cells(full))
        self._frame.cells = nn.ModuleList([self._cells])
        if base.trunk is None:
            start_as_identity(self._cells)
        for module in self._norms():
            module.momentum = None  # ``recalibrate`` wants plain means
        self.to(memory_format=torch.channels_last)

    def forward(self, features: dict[str, Tensor], path: Genome) -> Tensor:
        """Class scores of one path.

        Args:
            features: as the base's network takes them.
            path: differs from the base in its cells only.

        Returns:
            Logits, (N, classes).

        Raises:
            SpaceError: it differs in more.
        """
        self._cells.path = self._placed(path)
        logits: Tensor = self._frame(features)
        return logits

    @torch.no_grad()
    def recalibrate(self, path: Genome, batches: list[dict[str, Tensor]]) -> None:
        """Set the batch-norm statistics to those of one path, and go to evaluation mode.

        The running statistics of training mix all paths and fit none (Guo et al. 2019, section 3.4).

        Args:
            path: to be scored.
            batches: features of training pictures.
        """
        for norm in self._norms():
            norm.reset_running_stats()
        self.train()
        for features in batches:
            self(features, path)
        self.eval()

    def inherit(self, path: Genome) -> Candidate | ScratchNetwork:
        """The network of one path alone, with a copy of its weights and of the present statistics.

        Raises:
            SpaceError: the genome is no path of this supernet.
        """
        cells = self._placed(path)
        network = build(path, self.classes)
        frame = {k: v for k, v in self._frame.state_dict().items() if not k.startswith("cells.")}
        network.load_state_dict(frame, strict=False)
        for block, cell in zip(network.cells, cells, strict=True):
            assert isinstance(block, CellBlock)  # noqa: S101 - for the type checker
            shared = self._cells.shared[cell.place]
            assert isinstance(shared, SharedCell)  # noqa: S101 - for the type checker
            _copy(shared, cell, block)
        return network

    def _placed(self, path: Genome) -> tuple[PlacedCell, ...]:
        if not differs_in_cells_only(path, self.base):
            raise SpaceError("a path through a supernet differs from its base in the cells only")
        return placed_cells(path)

    def _norms(self) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
        return [m for m in self.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]


@torch.no_grad()
def _copy(shared: SharedCell, cell: PlacedCell, block: CellBlock) -> None:
    """Give a cell that stands alone the weights that it has in the supernet."""
    for source, calibrate in zip(cell.sources, block.calibrate, strict=True):
        if source.reduce:
            calibrate.load_state_dict(shared.calibrate["older"].state_dict())
    sides = ((node, side) for node in range(len(cell.graph.nodes)) for side in range(2))
    for (node, side), module in zip(sides, block.operations, strict=True):
        module.load_state_dict(shared.edge(cell, node, side).state_dict())
    _, convolution, norm = block.join
    assert isinstance(convolution, nn.Conv2d)  # noqa: S101 - for the type checker
    convolution.weight.copy_(shared.join_weight(cell))
    norm.load_state_dict(shared.norm.state_dict())
