"""A genome as a picture for people: the network in blocks, and below it the graph of each of its cells."""

from __future__ import annotations

from html import escape

from search_engine.space.architecture import Genome
from search_engine.space.draw_cell import OPERATION_NAMES, Drawing, draw_graph, stack
from search_engine.space.draw_network import draw_network, trained
from search_engine.space.draw_scratch import draw_scratch, scratch_title, stages_in_words
from search_engine.space.layout import STEM, Layout, PlacedCell, layout
from search_engine.space.scratch import scratch_layout
from search_engine.space.svg import PREFIX, number, text

MARGIN = 16.0
HEADING = 44.0


def draw(genome: Genome, classes: int) -> str:
    """An ``<svg>`` element to put into a page.

    It has a title and a description in words, no ids (several may share a page), no scripts and no style
    attributes; every part has a class that begins with ``nw-arch-`` and falls back to currentColor.

    Args:
        genome: to draw.
        classes: number of labels.

    Raises:
        SpaceError: the genome makes no network.
    """
    network, cells, name, words = (_from_scratch if genome.trunk is None else _on_trunk)(genome, classes)
    first = "stem" if genome.trunk is None else "fused taps"
    parts = [network]
    for reduction in (False, True):
        alike = [(i, cell) for i, cell in enumerate(cells) if cell.reduction == reduction]
        if alike:
            parts.append(_cell(alike, "Reduction cell" if reduction else "Normal cell", first))
    whole = stack(parts, gap=28)
    width, height = number(whole.width + 2 * MARGIN), number(whole.height + 2 * MARGIN)
    return (
        f'<svg class="{PREFIX}" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="Inter, system-ui, sans-serif">'
        f"<title>{escape(name)}</title><desc>{escape(words)}</desc>"
        f'<g transform="translate({number(MARGIN)} {number(MARGIN)})">{whole.svg}</g></svg>'
    )


_Parts = tuple[Drawing, tuple[PlacedCell, ...], str, str]
"""The network in blocks, its cells, its name and its description."""


def _on_trunk(genome: Genome, classes: int) -> _Parts:
    plan = layout(genome)
    return draw_network(genome, plan, classes), plan.cells, title(genome, plan), describe(plan)


def _from_scratch(genome: Genome, classes: int) -> _Parts:
    plan = scratch_layout(genome)
    words = [
        f"A picture of {plan.resolution} pixels goes through the stem, which gives {plan.width} channels."
    ]
    words += _cells_in_words(plan.cells, "stem") or [stages_in_words(genome)]
    return draw_scratch(genome, plan, classes), plan.cells, scratch_title(genome, plan), " ".join(words)


def title(genome: Genome, plan: Layout) -> str:
    """A network on a trunk in one line."""
    if not plan.cells:
        head = f"{genome.head.hidden} hidden units" if genome.head.hidden else "a linear classifier"
        name = f"{plan.spec.title} with {head}" + (" on every stage" if plan.pooled else "")
        return name + (f", {trained(plan)}" if plan.tail else "")
    count = f"{len(plan.cells)} cell" + ("s" if len(plan.cells) > 1 else "")
    return f"{plan.spec.title} with {count} of {plan.width} channels on {', '.join(plan.taps)}"


def describe(plan: Layout) -> str:
    """The cells on a trunk in words, for those who cannot see the drawing."""
    state = f"pretrained trunk: {trained(plan)}" if plan.tail else "frozen trunk"
    sentences = [f"A picture goes through the {state}.", *_cells_in_words(plan.cells, "fused taps")]
    if plan.embedding:
        sentences.append("The classifier reads the trunk's pooled output.")
    if plan.pooled:
        sentences.append("It reads means and standard deviations of every stage of the trunk.")
    return " ".join(sentences)


def _cells_in_words(cells: tuple[PlacedCell, ...], first: str) -> list[str]:
    sentences = []
    for i, cell in enumerate(cells):
        names = [_source_name(source.index, first) for source in cell.sources]
        names += [f"node {n + 1}" for n in range(len(cell.graph.nodes))]
        kind = "reduction" if cell.reduction else "normal"
        terms = [[f"{OPERATION_NAMES[op]} of {names[s]}" for s, op in pair] for pair in cell.graph.nodes]
        sums = [f"node {n + 1} is {' plus '.join(pair)}" for n, pair in enumerate(terms)]
        outputs = " and ".join(names[state] for state in cell.graph.outputs)
        sentences.append(f"Cell {i + 1} ({kind}): {'; '.join([*sums, f'output {outputs}'])}.")
    return sentences


def _source_name(index: int, first: str) -> str:
    return first if index == STEM else f"cell {index}"


def _cell(cells: list[tuple[int, PlacedCell]], name: str, first: str) -> Drawing:
    """The newest of alike cells: the only one whose two inputs are sure to differ."""
    index, cell = cells[-1]
    if len(cells) == 1:
        labels = [_source_name(source.index, first) for source in cell.sources]
    else:
        labels = ["previous cell" if source.index == index else "earlier cell" for source in cell.sources]
    used = f"used {len(cells)} times" if len(cells) > 1 else f"grid {cell.grid_out} × {cell.grid_out}"
    graph = draw_graph(cell.graph, labels, reduction=cell.reduction)
    heading = text(0, 10, name, "heading", anchor="start", size=15)
    heading += text(len(name) * 8.2 + 12, 10.5, used, "caption", anchor="start", size=12)
    shifted = f'<g transform="translate(0 {number(HEADING)})">{graph.svg}</g>'
    return Drawing(heading + shifted, graph.width, graph.height + HEADING)
