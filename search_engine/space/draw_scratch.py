"""A network from scratch in blocks, left to right: picture, stem, cells or stages, pooling, classifier."""

from __future__ import annotations

from search_engine.space.architecture import Genome, Stage
from search_engine.space.draw_cell import Drawing
from search_engine.space.draw_network import MIDDLE, Place, Row, cell_blocks, grid_text, head_lines
from search_engine.space.layout import PlacedCell
from search_engine.space.scratch import PlacedBlock, ScratchLayout
from search_engine.space.svg import box, classes, number, text

STEM_NAMES = {"conv_3x3": "conv 3×3, ÷2", "patch_4x4": "patches 4×4"}
BLOCK_NAMES = {
    "conv": ("conv", "3×3"),
    "residual": ("residual", "2 × 3×3"),
    "mbconv_e3k3": ("MBConv", "e3, 3×3"),
    "mbconv_e6k5": ("MBConv", "e6, 5×5"),
    "fused_mbconv": ("fused MB", "e3, 3×3"),
}
"""What a block is called, and its expansion and kernel."""

BLOCK_WIDTH, BLOCK_GAP, FRAME_PAD = 76.0, 8.0, 12.0
FRAME_HEIGHT = 112.0
ABOVE, BELOW = 92.0, 104.0  # room for arcs over cells, and for captions under stages


def draw_scratch(genome: Genome, plan: ScratchLayout, class_count: int) -> Drawing:
    """The whole network in one row."""
    row = Row()
    picture = row.block("Picture", [f"{grid_text(plan.resolution)} px"], "picture", width=92)
    fine_print = [STEM_NAMES[plan.stem], f"{plan.width} ch, {grid_text(plan.grid)}"]
    stem = row.block("Stem", fine_print, "stem", width=104)
    row.connect(picture, stem)
    last = cell_blocks(row, stem, plan.cells, _cell_lines) if plan.cells else _stages(row, stem, genome, plan)
    pool = row.block("Pool", ["mean"], "pool", width=68)
    row.connect(last, pool)
    head = row.block("Classifier", head_lines(genome), "head", width=104)
    row.connect(pool, head)
    labels = row.block(f"{class_count} labels", ["probabilities"], "labels", width=100)
    row.connect(head, labels)
    top = MIDDLE - (ABOVE if plan.cells else FRAME_HEIGHT / 2 + 2)
    bottom = MIDDLE + (BELOW - 36 if plan.cells else BELOW)
    shifted = f'<g transform="translate(0 {number(-top)})">{"".join(row.svg)}</g>'
    return Drawing(shifted, labels.right, bottom - top)


def scratch_title(genome: Genome, plan: ScratchLayout) -> str:
    """The network in one line."""
    if plan.cells:
        return f"A network from scratch: {len(plan.cells)} cells, {plan.width} channels at first"
    stages = genome.scratch.stages if genome.scratch else ()
    return f"A network from scratch: {len(plan.blocks)} blocks in {len(stages)} stages"


def stages_in_words(genome: Genome) -> str:
    """The stages of a network, for those who cannot see the drawing."""
    stages = genome.scratch.stages if genome.scratch else ()
    return " ".join(f"Stage {i + 1}: {_stage_in_words(stage)}." for i, stage in enumerate(stages))


def _stage_in_words(stage: Stage) -> str:
    kind = " ".join(BLOCK_NAMES[stage.block])
    weighed = ", with squeeze and excitation" if stage.squeeze else ""
    return f"{stage.depth} × {kind} of {stage.width} channels{weighed}"


def _cell_lines(cell: PlacedCell) -> list[str]:
    return [f"{cell.width_out} ch", grid_text(cell.grid_out)]


def _stages(row: Row, stem: Place, genome: Genome, plan: ScratchLayout) -> Place:
    """A frame a stage with its blocks inside; returns the last."""
    before = stem
    stages = genome.scratch.stages if genome.scratch else ()
    for index, stage in enumerate(stages):
        blocks = [block for block in plan.blocks if block.stage == index]
        frame = _stage(row, index, stage, blocks)
        row.connect(before, frame)
        before = frame
    return before


def _stage(row: Row, index: int, stage: Stage, blocks: list[PlacedBlock]) -> Place:
    count = len(blocks)
    inside = count * BLOCK_WIDTH + (count - 1) * BLOCK_GAP
    frame = Place(row.x, max(inside + 2 * FRAME_PAD, 112.0), FRAME_HEIGHT)
    row.svg.append(f'<g class="{classes("macro-stage")}">')
    row.svg.append(box(frame.x, frame.top, frame.width, frame.height, "macro-frame", radius=12))
    x = frame.x + (frame.width - inside) / 2
    for block in blocks:
        place = Place(x, BLOCK_WIDTH, FRAME_HEIGHT - 2 * FRAME_PAD)
        kind = "op-skip" if block.squeeze else "op-conv"
        row.svg.append(box(x, place.top, BLOCK_WIDTH, place.height, "macro-block", kind, radius=6, fill=0.08))
        name, detail = BLOCK_NAMES[block.kind]
        lines = [detail, *(["+ SE"] if block.squeeze else []), *(["÷2"] if block.stride == 2 else [])]
        y = MIDDLE - 8 * len(lines)
        row.svg.append(text(place.middle, y, name, "name", size=12.5))
        for i, content in enumerate(lines):
            row.svg.append(text(place.middle, y + 17 + 15 * i, content, "sub", size=11.5))
        x += BLOCK_WIDTH + BLOCK_GAP
    facts = f"{stage.width} ch, {grid_text(blocks[-1].grid_out)}"
    row.svg.append(
        text(frame.x + 4, frame.bottom + 15, f"Stage {index + 1}", "name", anchor="start", size=13)
    )
    row.svg.append(text(frame.x + 4, frame.bottom + 32, facts, "sub", anchor="start", size=11.5))
    row.svg.append("</g>")
    row.x = frame.right + 30
    return frame
