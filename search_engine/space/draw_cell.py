"""One cell as a layered graph: inputs left, nodes in columns by depth, the output right.

Sugiyama's way: a line that passes a column gets a place of its own there, columns are ordered by the mean
place of their neighbours, so lines cross little and never run behind a node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from search_engine.space.graph import Edge, Graph, Pair
from search_engine.space.svg import arrow, box, classes, curve, line, number, text

NODE_WIDTH, ROW, PAD = 150.0, 26.0, 5.0
SUM_ROOM = 18.0
END_WIDTH, END_HEIGHT = 104.0, 36.0
NODE_HEIGHT = 2 * ROW + 3 * PAD
GAP_X, GAP_Y, LANE = 62.0, 20.0, 10.0
SWEEPS = 12

OPERATION_NAMES = {
    "identity": "skip",
    "sep_conv_3x3": "sep conv 3×3",
    "sep_conv_5x5": "sep conv 5×5",
    "avg_pool_3x3": "avg pool 3×3",
    "max_pool_3x3": "max pool 3×3",
    "conv_1x1": "conv 1×1",
}
OPERATION_KINDS = {
    "identity": "op-skip",
    "sep_conv_3x3": "op-conv",
    "sep_conv_5x5": "op-conv",
    "avg_pool_3x3": "op-pool",
    "max_pool_3x3": "op-pool",
    "conv_1x1": "op-conv",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG elements and the room they take, from (0, 0)."""

    svg: str
    width: float
    height: float


def stack(parts: Sequence[Drawing], gap: float) -> Drawing:
    """Drawings below each other."""
    svg, y = [], 0.0
    for part in parts:
        svg.append(f'<g transform="translate(0 {number(y)})">{part.svg}</g>')
        y += part.height + gap
    return Drawing("".join(svg), max(part.width for part in parts), y - gap)


@dataclass(slots=True)
class _Item:
    """Something with a place in a column: a state, the output, or the lane of a state that passes by."""

    column: int
    height: float
    x: float = 0.0
    y: float = 0.0  # of its middle
    width: float = 0.0
    before: list[_Item] = field(default_factory=list)
    after: list[_Item] = field(default_factory=list)

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(slots=True)
class _Plan:
    """Columns of items, and for each state the item that stands for it in a column."""

    columns: list[list[_Item]]
    states: list[_Item]
    lanes: list[list[_Item]]
    output: _Item


def draw_graph(graph: Graph, labels: Sequence[str], *, reduction: bool) -> Drawing:
    """The graph of a cell; ``labels`` names its inputs."""
    plan = _plan(graph)
    for _ in range(SWEEPS):
        _sweep(plan.columns, forward=True)
        _sweep(plan.columns, forward=False)
    top = min(item.y - item.height / 2 for column in plan.columns for item in column)
    for column in plan.columns:
        for item in column:
            item.y -= top
    svg = [_lines(plan, graph)]
    for i, label in enumerate(labels):
        svg.append(_end(plan.states[i], label, "input"))
    for i, pair in enumerate(graph.nodes):
        item = plan.states[graph.inputs + i]
        rows = _upper_first(plan, pair, item.column)
        svg.append(_node(item, rows, strided_below=graph.inputs if reduction else 0))
    svg.append(_end(plan.output, "output", "output"))
    height = max(item.y + item.height / 2 for column in plan.columns for item in column)
    return Drawing("".join(svg), plan.output.right, height)


def _plan(graph: Graph) -> _Plan:
    states = [_Item(0, END_HEIGHT, width=END_WIDTH) for _ in range(graph.inputs)]
    for pair in graph.nodes:
        depth = 1 + max(states[state].column for state, _ in pair)
        states.append(_Item(depth, NODE_HEIGHT, width=NODE_WIDTH))
    output = _Item(1 + max(item.column for item in states), END_HEIGHT, width=END_WIDTH)
    columns: list[list[_Item]] = [[] for _ in range(output.column + 1)]
    for item in (*states, output):
        columns[item.column].append(item)
    readers: list[list[_Item]] = [[] for _ in states]
    for i, pair in enumerate(graph.nodes):
        for state, _ in pair:
            readers[state].append(states[graph.inputs + i])
    for state in graph.outputs:
        readers[state].append(output)
    lanes = [_add_lanes(columns, state, found) for state, found in zip(states, readers, strict=True)]
    _place_columns(columns)
    return _Plan(columns, states, lanes, output)


def _add_lanes(columns: list[list[_Item]], state: _Item, readers: list[_Item]) -> list[_Item]:
    """Give the state a place in every column up to its last reader; link neighbours for the ordering."""
    lanes = [state]
    for column in range(state.column + 1, max(reader.column for reader in readers)):
        lane = _Item(column, LANE, width=NODE_WIDTH, before=[lanes[-1]])
        lanes[-1].after.append(lane)
        columns[column].append(lane)
        lanes.append(lane)
    for reader in readers:
        last = lanes[reader.column - state.column - 1]
        last.after.append(reader)
        reader.before.append(last)
    return lanes


def _place_columns(columns: list[list[_Item]]) -> None:
    x = 0.0
    for column in columns:
        for place, item in enumerate(column):
            item.x = x
            item.y = place * (NODE_HEIGHT + GAP_Y)
        x += max(item.width for item in column) + GAP_X


def _sweep(columns: list[list[_Item]], *, forward: bool) -> None:
    """Move every item toward the mean of its neighbours on one side, and keep items of a column apart."""
    for column in columns if forward else reversed(columns):
        wanted = {}
        for item in column:
            near = item.before if forward else item.after
            wanted[id(item)] = sum(other.y for other in near) / len(near) if near else item.y
        column.sort(key=lambda item: (wanted[id(item)], item.height))
        bottom = float("-inf")
        for item in column:
            item.y = max(wanted[id(item)], bottom + GAP_Y + item.height / 2)
            bottom = item.y + item.height / 2
        drift = sum(item.y - wanted[id(item)] for item in column) / len(column)
        for item in column:
            item.y -= drift


def _upper_first(plan: _Plan, pair: Pair, column: int) -> Pair:
    """The edges of a node in the order in which their lines arrive, so that the two do not cross."""

    def height(edge: Edge) -> float:
        lanes = plan.lanes[edge[0]]
        return lanes[column - lanes[0].column - 1].y

    first, second = sorted(pair, key=height)
    return first, second


def _lines(plan: _Plan, graph: Graph) -> str:
    svg = []
    for i, pair in enumerate(graph.nodes):
        target = plan.states[graph.inputs + i]
        for row, (state, _) in enumerate(_upper_first(plan, pair, target.column)):
            y = target.y + (row - 0.5) * (ROW + PAD)
            svg.append(_route(plan.lanes[state], target, y, is_input=state < graph.inputs))
    offsets = _spread(len(graph.outputs), END_HEIGHT - 12)
    ordered = sorted(graph.outputs, key=lambda state: plan.lanes[state][-1].y)
    for state, offset in zip(ordered, offsets, strict=True):
        y = plan.output.y + offset
        svg.append(_route(plan.lanes[state], plan.output, y, is_input=state < graph.inputs))
    return "".join(svg)


def _spread(count: int, room: float) -> list[float]:
    return [0.0] if count == 1 else [room * (i / (count - 1) - 0.5) for i in range(count)]


def _route(lanes: list[_Item], target: _Item, y: float, *, is_input: bool) -> str:
    """A line from a state through its lanes to a height at the target's left side."""
    x0, y0 = lanes[0].right, lanes[0].y
    path = f"M{number(x0)} {number(y0)}"
    for lane in lanes[1 : target.column - lanes[0].column]:
        path += curve(x0, y0, lane.x, lane.y) + f"H{number(lane.right)}"
        x0, y0 = lane.right, lane.y
    path += curve(x0, y0, target.x - 2, y)
    return line(path, "edge", "edge-input" if is_input else "edge-node") + arrow(target.x, y)


def _end(item: _Item, label: str, name: str) -> str:
    top = item.y - item.height / 2
    frame = box(item.x, top, item.width, item.height, "end", name, radius=item.height / 2, fill=0.04)
    return frame + text(item.x + item.width / 2, item.y, label, "label", size=12.5)


def _node(item: _Item, pair: Pair, *, strided_below: int) -> str:
    """Two operations and the sign that adds them; those on states below ``strided_below`` halve the grid."""
    top = item.y - item.height / 2
    svg = [
        f'<g class="{classes("node")}">',
        box(item.x, top, item.width, item.height, "node-frame", radius=10),
    ]
    for i, (state, op) in enumerate(pair):
        y = top + PAD + i * (ROW + PAD)
        name = OPERATION_NAMES[op] + (" ÷2" if state < strided_below else "")
        width = item.width - 2 * PAD - SUM_ROOM
        svg.append(box(item.x + PAD, y, width, ROW, "op", OPERATION_KINDS[op], radius=6, fill=0.08))
        svg.append(text(item.x + PAD + width / 2, y + ROW / 2, name, "label", size=12.5))
    svg.append(text(item.right - PAD - SUM_ROOM / 2 + 1, item.y, "+", "sum", size=15))
    svg.append("</g>")
    return "".join(svg)
