"""Which changes of pictures keep labels on a training set, and what a learned augmentation is worth there.

Decision 16 has the results. Run it from the root of the repository, on training pictures only:
``python -m scripts.measure_augmentation PICTURES --epochs 12``. For one augmentation alone there is
``python -m scripts.measure_scratch PICTURES --augment trivial``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from scripts.measure_scratch import Parts, read, say
from search_engine.augment.lessons import Teacher
from search_engine.space.invariance import sentences
from search_engine.space.lesson import sentence
from search_engine.space.macro import MacroSpace
from search_engine.space.scratch import PIXELS
from search_engine.space.trunks import POOLED
from search_engine.trainer.invariance import MOST, SIDE, compare
from search_engine.trunk.graph import TrunkRunner

CPU = torch.device("cpu")
TRUNK = "efficientnet_lite0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pictures", type=Path, help="a zip or a folder with one folder a label")
    parser.add_argument("--side", type=int, default=32, help="pixels that networks see (default: 32)")
    parser.add_argument("--epochs", type=int, default=12, help="of each training; 0 for the probe alone")
    parser.add_argument("--strategy", default="evolution", help="that proposes sub-policies")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    probe(read(options.pictures, SIDE, None), options.seed)
    if options.epochs:
        learn(read(options.pictures, options.side, None), options)


def probe(parts: Parts, seed: int) -> None:
    """Say which changes leave the labels alone, and what it cost to find out."""
    some = parts.training
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(seed))[:MOST]
    pixels = some.features[PIXELS][some.rows[order]].numpy()
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        look = TrunkRunner(TRUNK, SIDE, Path(folder), CPU, names=(POOLED,))
        started = time.process_time()
        found = compare(pixels, some.labels[order].numpy(), look)
    for text in sentences({name: each.to_dict() for name, each in found.items()}):
        say(text)
    errors = ", ".join(f"{name} {each.errors:.1f}" for name, each in found.items())
    say(f"standard errors: {errors}; {time.process_time() - started:.1f} s of CPU")


def learn(parts: Parts, options: argparse.Namespace) -> None:
    """Say what was learned, and what it is worth."""
    space = MacroSpace(options.side, augmented=True)
    teacher = Teacher(
        genome=space.decode(space.starts[0]),
        classes=parts.classes,
        training=parts.training,
        validation=parts.held_out,
        device=CPU,
        strategy=options.strategy,
        seed=options.seed,
        should_stop=lambda: False,
        epochs=options.epochs,
    )
    lesson = teacher.learn(36_000.0)
    say("nothing was found" if lesson is None else f"{sentence(lesson.to_dict())}\n{lesson}")


if __name__ == "__main__":
    main()
