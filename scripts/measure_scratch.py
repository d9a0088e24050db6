"""What networks from scratch reach on a part of a training set that is held out: accuracy, log loss, seconds.

Decision 11 has the results. Run it from the root of the repository, on training pictures only:
``python -m scripts.measure_scratch PICTURES --epochs 20 --augment affine --seeds 0 1``.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from search_engine.data.decode import to_pixels
from search_engine.data.scan import Found, scan
from search_engine.space.architecture import AUGMENTATIONS, Genome
from search_engine.space.macro import MacroSpace
from search_engine.space.networks import build
from search_engine.space.scratch import PIXELS
from search_engine.trainer.loop import Examples, train

FOLD = 5
"""Without names to go by, one picture in so many of each label is held out."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is trained on and what is held out."""

    training: Examples
    held_out: Examples
    classes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pictures", type=Path, help="a zip or a folder with one folder a label")
    parser.add_argument("--hold-out", help="regular expression of the names to hold out; else one in five")
    parser.add_argument("--side", type=int, default=32, help="pixels (default: 32)")
    parser.add_argument("--start", type=int, default=0, help="starting point of the space macro (default: 0)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--augment", choices=AUGMENTATIONS, default="affine")
    parser.add_argument("--mixup", type=float, default=0.0)
    parser.add_argument("--erase", type=float, default=0.0)
    parser.add_argument("--learning-rate", type=float, help="default: the starting point's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = read(options.pictures, options.side, options.hold_out)
    space = MacroSpace(options.side, augmented=True)
    start = space.decode(space.starts[options.start])
    recipe = replace(start.recipe, augment=options.augment, mixup=options.mixup, erase=options.erase)
    if options.learning_rate is not None:
        recipe = replace(recipe, learning_rate=options.learning_rate)
    say(f"{len(parts.training)} pictures to train on, {len(parts.held_out)} held out, {recipe}")
    for seed in options.seeds:
        say(measure(replace(start, recipe=recipe), parts, epochs=options.epochs, seed=seed))


def read(source: Path, side: int, pattern: str | None) -> Parts:
    """Every picture at one side in pixels."""
    found = sorted((item for item in scan(source) if isinstance(item, Found)), key=lambda item: item.name)
    labels = sorted({item.labels[0] for item in found})
    pixels = [
        np.asarray(Image.fromarray(to_pixels(item.data)).resize((side, side), Image.Resampling.BILINEAR))
        for item in found
    ]
    if pattern is None:
        held = one_in_five([item.labels[0] for item in found])
    else:
        held = {row for row, item in enumerate(found) if re.search(pattern, item.name)}
    everything = Examples(
        {PIXELS: torch.from_numpy(np.stack(pixels))},
        torch.tensor([labels.index(item.labels[0]) for item in found]),
        torch.tensor([row for row in range(len(found)) if row not in held]),
    )
    return Parts(everything, replace(everything, rows=torch.tensor(sorted(held))), len(labels))


def one_in_five(labels: list[str]) -> set[int]:
    """Rows to hold out, of each label alike."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    rng = random.Random(0)  # noqa: S311 - no secret
    return {row for same in rows.values() for row in rng.sample(same, len(same) // FOLD)}


def measure(genome: Genome, parts: Parts, *, epochs: int, seed: int) -> str:
    """A sentence about one training."""
    torch.manual_seed(seed)
    started = time.process_time()
    result = train(
        build(genome, parts.classes),
        parts.training,
        parts.held_out,
        genome.recipe,
        epochs=epochs,
        seconds=36_000.0,
        seed=seed,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    seconds = time.process_time() - started
    labels = parts.held_out.labels
    logits = result.logits
    assert logits is not None  # noqa: S101 - there is a held-out part
    accuracy = float((logits.argmax(1) == labels).float().mean())
    loss = float(cross_entropy(logits, labels))
    return f"seed {seed}: accuracy {accuracy:.4f}, log loss {loss:.3f}, {seconds:.0f} s of CPU"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
