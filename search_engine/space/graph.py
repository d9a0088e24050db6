"""Cells as graphs in one canonical form, so that the same network is never trained twice.

What is built, counted and hashed is the simplified graph: a node that adds a state to itself unchanged is
that state, two parameter-free nodes with the same inputs are one, and the order of nodes and of operands is
fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from search_engine.errors import SpaceError
from search_engine.space.architecture import OPERATIONS, Cell

Edge = tuple[int, str]
"""A state and the operation applied to it."""
Pair = tuple[Edge, Edge]
"""One node: the sum of two edges, smaller edge first."""

PARAMETER_FREE = frozenset({"identity", "avg_pool_3x3", "max_pool_3x3"})


@dataclass(frozen=True, slots=True)
class Graph:
    """A cell with explicit outputs.

    Attributes:
        inputs: how many states come from outside; they are states 0 .. inputs - 1.
        nodes: node i is state ``inputs + i``.
        outputs: states that are concatenated into the cell's output, in ascending order.
    """

    inputs: int
    nodes: tuple[Pair, ...]
    outputs: tuple[int, ...]

    @property
    def used_inputs(self) -> tuple[int, ...]:
        """Inputs that a node or the output reads."""
        read = {edge[0] for pair in self.nodes for edge in pair} | set(self.outputs)
        return tuple(i for i in range(self.inputs) if i in read)


def pair_of(first: Edge, second: Edge) -> Pair:
    return (first, second) if first <= second else (second, first)


def check_cell(cell: Cell) -> None:
    """Raise ``SpaceError`` if a node reads a later state or names an unknown operation."""
    if not cell.nodes:
        raise SpaceError("a cell needs at least one node")
    for i, node in enumerate(cell.nodes):
        for state, op in ((node.input_a, node.op_a), (node.input_b, node.op_b)):
            if op not in OPERATIONS:
                raise SpaceError(
                    f"node {i} uses the unknown operation {op!r}; known: {', '.join(OPERATIONS)}"
                )
            if not 0 <= state < 2 + i:
                raise SpaceError(f"node {i} reads state {state}; it may read 0 to {1 + i}")


def simplify(cell: Cell, *, same_inputs: bool, reduction: bool) -> Graph:
    """The cell's graph with two inputs, without repeated or empty nodes.

    Args:
        cell: as in the genome.
        same_inputs: whether both inputs are one tensor, as for a network's first cell.
        reduction: whether operations on the inputs have stride 2; identity then has weights.
    """
    check_cell(cell)
    state_of = [0, 0 if same_inputs else 1]
    nodes: list[Pair] = []
    known: dict[Pair, int] = {}
    for node in cell.nodes:
        pair = pair_of((state_of[node.input_a], node.op_a), (state_of[node.input_b], node.op_b))
        if pair[0] == pair[1] and _is_bare(pair[0], reduction=reduction):
            state_of.append(pair[0][0])
        elif pair in known:
            state_of.append(known[pair])
        else:
            nodes.append(pair)
            state_of.append(1 + len(nodes))
            if all(_is_free(edge, reduction=reduction) for edge in pair):
                known[pair] = state_of[-1]
    read = {state for node in cell.nodes for state in (node.input_a, node.input_b)}
    loose = {state_of[2 + i] for i in range(len(cell.nodes)) if 2 + i not in read}
    return Graph(inputs=2, nodes=tuple(nodes), outputs=tuple(sorted(loose)))


def _is_bare(edge: Edge, *, reduction: bool) -> bool:
    """Whether the edge hands its state on unchanged."""
    return edge[1] == "identity" and not (reduction and edge[0] < 2)


def _is_free(edge: Edge, *, reduction: bool) -> bool:
    """Whether the edge has no weights."""
    return edge[1] in PARAMETER_FREE and (edge[1] != "identity" or _is_bare(edge, reduction=reduction))


def keep_inputs(graph: Graph) -> Graph:
    """The graph without the inputs that nothing reads."""
    used = graph.used_inputs
    order = [*used, *range(graph.inputs, graph.inputs + len(graph.nodes))]
    return _renumber(graph, {old: new for new, old in enumerate(order)}, inputs=len(used))


def _renumber(graph: Graph, new_of: dict[int, int], *, inputs: int) -> Graph:
    nodes = [
        (new_of[graph.inputs + i], pair_of((new_of[a[0]], a[1]), (new_of[b[0]], b[1])))
        for i, (a, b) in enumerate(graph.nodes)
    ]
    return Graph(
        inputs=inputs,
        nodes=tuple(pair for _, pair in sorted(nodes)),
        outputs=tuple(sorted(new_of[state] for state in graph.outputs)),
    )


def canonical(graph: Graph) -> Graph:
    """The one representative of all graphs that differ only in the order of their nodes.

    Nodes are ordered by colour refinement (Weisfeiler and Leman); what stays tied is tried in every order.
    """
    groups: dict[int, list[int]] = {}
    for node, colour in enumerate(_colours(graph)):
        groups.setdefault(colour, []).append(node)
    orders = [
        [tuple(group)] if _are_twins(graph, group) else list(permutations(group))
        for _, group in sorted(groups.items())
    ]
    inputs = {i: i for i in range(graph.inputs)}
    candidates = []
    for choice in product(*orders):
        order = [node for group in choice for node in group]
        places = {graph.inputs + node: graph.inputs + place for place, node in enumerate(order)}
        candidates.append(_renumber(graph, inputs | places, inputs=graph.inputs))
    return min(candidates, key=lambda candidate: (candidate.nodes, candidate.outputs))


def _consumers(graph: Graph, node: int) -> list[tuple[str, int]]:
    state = graph.inputs + node
    return sorted(
        (op, reader) for reader, pair in enumerate(graph.nodes) for read, op in pair if read == state
    )


def _are_twins(graph: Graph, group: list[int]) -> bool:
    """Whether the nodes have the very same inputs and readers, so that their order cannot matter."""
    return len({(graph.nodes[node], tuple(_consumers(graph, node))) for node in group}) == 1


def _colours(graph: Graph) -> list[int]:
    """A number a node; isomorphic nodes share it, and a node's number is above those it reads."""
    depth = [0] * graph.inputs
    for a, b in graph.nodes:
        depth.append(1 + max(depth[a[0]], depth[b[0]]))
    states = range(graph.inputs + len(graph.nodes))
    colours = _rank([(depth[s], s if s < graph.inputs else -1, s in graph.outputs) for s in states])
    for _ in graph.nodes:
        keys = []
        for state in states:
            node = state - graph.inputs
            reads = sorted((op, colours[read]) for read, op in graph.nodes[node]) if node >= 0 else []
            readers = (
                [(op, colours[graph.inputs + r]) for op, r in _consumers(graph, node)] if node >= 0 else []
            )
            keys.append((colours[state], reads, sorted(readers)))
        colours = _rank(keys)
    return colours[graph.inputs :]


def _rank(keys: list[Any]) -> list[int]:
    order = {repr(key): i for i, key in enumerate(sorted(keys))}
    return [order[repr(key)] for key in keys]
