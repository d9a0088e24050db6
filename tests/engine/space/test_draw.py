"""The drawing: whole, readable, and allowed by a strict content security policy."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree

from hypothesis import given, settings

from search_engine.space.architecture import Cell, Genome, Node, linear_probe
from search_engine.space.draw import draw
from search_engine.space.layout import layout
from tests.engine.space.genomes import TRUNK, cells, genome, genomes

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def boxes(svg: str, name: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of the boxes with a class, in the coordinates of their own group."""
    pattern = (
        rf'<rect class="[^"]*\b{name}\b[^"]*" x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"'
    )
    found = [tuple(map(float, match)) for match in re.findall(pattern, svg)]
    return [(x, y, x + width, y + height) for x, y, width, height in found]


@settings(max_examples=150, deadline=None)
@given(genomes())
def test_it_is_well_formed_and_needs_no_style_script_or_id(sampled: Genome) -> None:
    svg = draw(sampled, 6)
    root = ElementTree.fromstring(svg)  # noqa: S314
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    assert not re.search(r"\b(style|id|on\w+|href)=|<script|<style", svg)
    for element in root.iter():
        for name in (element.get("class") or "nw-arch").split():
            assert name.startswith("nw-arch")


@settings(max_examples=100, deadline=None)
@given(cells(10))
def test_ten_nodes_do_not_overlap_and_stay_inside(cell: Cell) -> None:
    svg = draw(genome(cell, repeats=2), 6)
    frames = boxes(svg, "nw-arch-node-frame")
    for i, (left, top, right, bottom) in enumerate(frames):
        for other in frames[:i]:
            apart = left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]
            assert apart
    width = float(ElementTree.fromstring(svg).get("width") or 0)  # noqa: S314
    assert all(left >= 0 and right <= width for left, _, right, _ in frames)


@settings(max_examples=60, deadline=None)
@given(genomes())
def test_each_operation_of_each_kind_of_cell_is_named_once(sampled: Genome) -> None:
    plan = layout(sampled)
    shown = {cell.reduction: cell for cell in plan.cells}.values()
    wanted = sum(2 * len(cell.graph.nodes) for cell in shown)
    assert len(re.findall(r'class="nw-arch-op nw-arch-op-(?:conv|pool|skip)"', draw(sampled, 6))) == wanted


def test_it_says_what_the_network_is() -> None:
    cell = Cell((Node(0, "sep_conv_3x3", 1, "max_pool_3x3"),))
    svg = draw(genome(cell, cell, repeats=2, width=32), 6)
    assert {"Picture", "128 × 128 px", "EfficientNet-Lite0", "32 channels", "6 labels"} <= set(texts(svg))
    assert {"Normal cell", "Reduction cell", "sep conv 3×3", "max pool 3×3 ÷2", "shortcut"} <= set(texts(svg))
    assert "EfficientNet-Lite0 with 3 cells of 32 channels on stage4, stage6" in svg
    assert svg.count("nw-arch-tap") - svg.count("nw-arch-tapped") == 2


def test_a_head_on_every_stage_is_drawn_and_said() -> None:
    cell = Cell((Node(0, "sep_conv_3x3", 1, "max_pool_3x3"),))
    svg = draw(dataclasses.replace(genome(cell, shortcut=False), pooled=True), 6)
    assert {"pretrained, frozen, every stage pooled", "shortcut", "1568"} <= set(texts(svg))
    assert "means and standard deviations of every stage" in svg


def test_plain_transfer_learning_has_no_cells() -> None:
    svg = draw(linear_probe(TRUNK), 3)
    assert "3 labels" in texts(svg)
    assert not {"Fuse", "Normal cell", "shortcut"} & set(texts(svg))
    assert "EfficientNet-Lite0 with a linear classifier" in svg
