"""The network in blocks, left to right: picture, trunk with its taps, cells, pooling, classifier, labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search_engine.space.architecture import Genome
from search_engine.space.draw_cell import Drawing
from search_engine.space.layout import Layout, PlacedCell
from search_engine.space.svg import arrow, box, classes, line, number, text

MIDDLE = 128.0
BLOCK_HEIGHT = 64.0
GAP = 30.0
STAGE_WIDTH, STAGE_GAP = 38.0, 8.0
STAGE_HEIGHTS = {8: 96.0, 16: 76.0, 32: 56.0}
FRAME_PAD = 12.0
ARC_LOW, ARC_SLOPE = 34.0, 0.13


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands."""

    x: float
    width: float
    height: float = BLOCK_HEIGHT

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def top(self) -> float:
        return MIDDLE - self.height / 2

    @property
    def bottom(self) -> float:
        return MIDDLE + self.height / 2


class Row:
    """Blocks appended from left to right."""

    def __init__(self) -> None:
        self.svg: list[str] = []
        self.x = 0.0

    def block(self, name: str, lines: list[str], kind: str, *, width: float) -> Place:
        """A block with a name and finer print."""
        place = Place(self.x, width)
        self.svg.append(f'<g class="{classes("block", kind)}">')
        self.svg.append(box(place.x, place.top, width, place.height, "block-frame", fill=0.04))
        y = MIDDLE - 8 * len(lines)
        self.svg.append(text(place.middle, y, name, "name", size=13))
        for i, content in enumerate(lines):
            self.svg.append(text(place.middle, y + 17 + 15 * i, content, "sub", size=11.5))
        self.svg.append("</g>")
        self.x = place.right + GAP
        return place

    def connect(self, before: Place, after: Place) -> None:
        """An arrow between neighbours."""
        self.svg.append(line(f"M{number(before.right)} {number(MIDDLE)}H{number(after.x - 2)}", "edge"))
        self.svg.append(arrow(after.x, MIDDLE))


def draw_network(genome: Genome, plan: Layout, class_count: int) -> Drawing:
    """The whole network in one row."""
    row = Row()
    side = genome.resolution
    picture = row.block("Picture", [f"{side} × {side} px"], "picture", width=92)
    frame, stages, embedding = _trunk(row, plan)
    row.connect(picture, frame)
    last = embedding
    if plan.cells:
        last = _cells(row, plan, stages)
    head = row.block("Classifier", head_lines(genome), "head", width=104)
    row.connect(last if plan.cells else frame, head)
    past_cells = plan.cells and (plan.embedding or plan.pooled)
    if past_cells:
        row.svg.append(_shortcut(embedding, head))
    labels = row.block(f"{class_count} labels", ["probabilities"], "labels", width=100)
    row.connect(head, labels)
    top = 0.0 if plan.cells else frame.top - 2
    height = MIDDLE + (96 if past_cells else 108) - top
    return Drawing(f'<g transform="translate(0 {number(-top)})">{"".join(row.svg)}</g>', labels.right, height)


def head_lines(genome: Genome) -> list[str]:
    """The fine print of the classifier."""
    lines = [f"{genome.head.hidden} hidden" if genome.head.hidden else "linear"]
    return [*lines, f"dropout {genome.head.dropout:g}"] if genome.head.dropout else lines


def trained(plan: Layout) -> str:
    """Which stages of the trunk are trained, in words."""
    return "last stage trained" if plan.unfrozen == 1 else f"last {plan.unfrozen} stages trained"


def _trunk(row: Row, plan: Layout) -> tuple[Place, dict[str, Place], Place]:
    """The frame, the stages by name, and the pooled embedding."""
    count = len(plan.spec.taps) + 1
    width = count * STAGE_WIDTH + (count - 1) * STAGE_GAP + 2 * FRAME_PAD + 14
    frame = Place(row.x, width, 120)
    row.svg.append(f'<g class="{classes("trunk")}">')
    row.svg.append(box(frame.x, frame.top, width, frame.height, "trunk-frame", radius=12))
    row.svg.append(text(frame.x + 4, frame.bottom + 15, plan.spec.title, "name", anchor="start", size=13))
    about = f"pretrained, {trained(plan) if plan.tail else 'frozen'}" + (
        ", every stage pooled" if plan.pooled else ""
    )
    row.svg.append(text(frame.x + 4, frame.bottom + 32, about, "sub", anchor="start", size=11.5))
    x, stages = frame.x + FRAME_PAD, {}
    for tap in plan.spec.taps:
        place = Place(x, STAGE_WIDTH, STAGE_HEIGHTS.get(tap.stride, 44.0))
        tapped = tap.name in plan.taps
        names = ("stage", "stage-tapped") if tapped else ("stage",)
        if plan.tail and int(tap.name.removeprefix("stage")) >= plan.tail.first:
            names = (*names, "stage-trained")
        row.svg.append(
            box(x, place.top, STAGE_WIDTH, place.height, *names, radius=5, fill=0.22 if tapped else 0.06)
        )
        row.svg.append(text(place.middle, MIDDLE - 8, tap.name.removeprefix("stage"), "name", size=13))
        row.svg.append(text(place.middle, MIDDLE + 9, str(tap.channels), "sub", size=11))
        stages[tap.name] = place
        x += STAGE_WIDTH + STAGE_GAP
    embedding = Place(x, STAGE_WIDTH + 14, 40)
    read = (plan.spec.embedding if plan.embedding else 0) + (plan.spec.pooled if plan.pooled else 0)
    names = ("stage", "stage-tapped") if read else ("stage",)
    fill = 0.22 if read else 0.06
    row.svg.append(box(x, embedding.top, embedding.width, embedding.height, *names, radius=20, fill=fill))
    row.svg.append(text(embedding.middle, MIDDLE - 7, "pool", "name", size=12))
    row.svg.append(text(embedding.middle, MIDDLE + 8, str(read or plan.spec.embedding), "sub", size=11))
    row.svg.append("</g>")
    row.x = frame.right + GAP
    return frame, stages, embedding


def _cells(row: Row, plan: Layout, stages: dict[str, Place]) -> Place:
    """Fuse, cells and pooling; returns the last block."""
    fuse = row.block("Fuse", [f"{plan.width} channels", grid_text(plan.grid)], "fuse", width=96)
    row.svg += [_tap(stages[name], fuse, i, len(plan.taps)) for i, name in enumerate(plan.taps)]
    last = cell_blocks(row, fuse, plan.cells, lambda cell: ["cell", grid_text(cell.grid_out)])
    pool = row.block("Pool", ["mean"], "pool", width=68)
    row.connect(last, pool)
    return pool


def grid_text(side: int) -> str:
    return f"{side} × {side}"


def cell_blocks(
    row: Row, first: Place, cells: Sequence[PlacedCell], lines: Callable[[PlacedCell], list[str]]
) -> Place:
    """A block a cell, joined to what it reads; returns the last."""
    places = [first]
    for cell in cells:
        kind, name = ("reduction", "Reduction") if cell.reduction else ("normal", "Normal")
        places.append(row.block(name, lines(cell), f"cell-{kind}", width=92))
        for source in cell.sources:
            if source.index == len(places) - 2:
                row.connect(places[-2], places[-1])
            else:
                row.svg.append(skip_arc(places[source.index], places[-1]))
    return places[-1]


def _tap(stage: Place, fuse: Place, index: int, count: int) -> str:
    """An arc from a stage's top to the fuse block's; arcs nest, the earliest stage outermost."""
    x = fuse.middle + ((count - 1) / 2 - index) * 14
    lift = ARC_LOW + ARC_SLOPE * (x - stage.middle)
    start = stage.top
    high = min(start, fuse.top) - lift
    path = (
        f"M{number(stage.middle)} {number(start)}C{number(stage.middle)} {number(high)} "
        f"{number(x)} {number(high)} {number(x)} {number(fuse.top - 2)}"
    )
    return line(path, "edge", "tap") + arrow(x, fuse.top, "down")


def skip_arc(before: Place, after: Place) -> str:
    """An arc over the cells between."""
    x0, x1 = before.right - 12, after.middle
    high = before.top - 44
    path = (
        f"M{number(x0)} {number(before.top)}C{number(x0)} {number(high)} {number(x1)} {number(high)} "
        f"{number(x1)} {number(after.top - 2)}"
    )
    return line(path, "edge", "skip") + arrow(x1, after.top, "down")


def _shortcut(embedding: Place, head: Place) -> str:
    """A curve below everything, from the pooled embedding to the classifier."""
    x0, x1, low = embedding.middle, head.middle, MIDDLE + 94
    path = (
        f"M{number(x0)} {number(embedding.bottom)}V{number(low - 16)}Q{number(x0)} {number(low)} "
        f"{number(x0 + 16)} {number(low)}H{number(x1 - 16)}Q{number(x1)} {number(low)} {number(x1)} "
        f"{number(low - 16)}V{number(head.bottom + 2)}"
    )
    label = text((x0 + x1) / 2, low - 10, "shortcut", "caption", size=11.5)
    return line(path, "edge", "shortcut") + arrow(x1, head.bottom, "up") + label
