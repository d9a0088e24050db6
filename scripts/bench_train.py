"""What training costs besides the model: the bare step on tensors in memory against the training loop.

Both are timed in processor seconds, in turns, on one thread, so other work on the machine shifts them alike.
The bare step is forward, loss, backward, clipping and AdamW on one batch that is there already. Then the rate
at which the frozen trunk looks at pictures, by OpenVINO (as a search does), onnxruntime (as a served network
does) and torch. Run it from the root of the repository: ``python -m scripts.bench_train``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

from search_engine.space.architecture import AUGMENTATIONS, Genome, Recipe
from search_engine.space.macro import MacroSpace
from search_engine.space.networks import build
from search_engine.space.scratch import PIXELS
from search_engine.trainer.loop import CLIP, Examples, adamw, train
from search_engine.trainer.loss import batch_loss
from search_engine.trunk.graph import TrunkRunner
from search_engine.trunk.weights import load_trunk

CLASSES = 10
TRUNK = "efficientnet_lite0"
WARM = 2
"""Steps that are not timed: the first ones allocate."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns (default: 5)")
    parser.add_argument("--steps", type=int, default=20, help="a turn (default: 20)")
    parser.add_argument("--resolution", type=int, default=32, help="pixels, from scratch (default: 32)")
    parser.add_argument(
        "--trunk-sides", type=int, nargs="*", default=[128, 224], help="pixels; none to leave out"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = MacroSpace(options.resolution, augmented=True)
    for number, start in enumerate(space.starts):
        compare(f"macro start {number}", space.decode(start), options.repeats, options.steps)
    for side in options.trunk_sides:
        extract(side, options.repeats)


def compare(title: str, genome: Genome, repeats: int, steps: int) -> None:
    """Print the bare rate and, for each augmentation, the loop's rate and its share of the bare one."""
    some = pictures(genome.resolution, genome.recipe.batch_size * steps)
    ways: dict[str, Callable[[], float]] = {"bare step": partial(bare, genome, some, steps)}
    for name in AUGMENTATIONS:
        ways[name] = partial(looped, genome, some, replace(genome.recipe, augment=name))
    erased = replace(genome.recipe, augment="affine_strong", erase=0.5, flip=True)
    ways["affine_strong, erased, mirrored"] = partial(looped, genome, some, erased)
    rates = {name: list[float]() for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            rates[name].append(way())
    for name, found in rates.items():
        shares = [100.0 * rate / base for rate, base in zip(found, rates["bare step"], strict=True)]
        say(
            f"{title}, {name}: {spread(found)} pictures a second, {spread(shares)} % of the bare step",
        )


def bare(genome: Genome, some: Examples, steps: int) -> float:
    """Pictures a second of the model's step alone."""
    recipe = genome.recipe
    model = build(genome, CLASSES).train()
    weights = list(model.parameters())
    optimizer = adamw(model, recipe)
    features, targets = some.batch(torch.arange(recipe.batch_size))
    generator = torch.Generator().manual_seed(0)
    started = 0.0
    for step in range(WARM + steps):
        if step == WARM:
            started = time.process_time()
        loss = batch_loss(model, features, targets, recipe, generator)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(weights, CLIP)
        optimizer.step()
    return recipe.batch_size * steps / (time.process_time() - started)


def looped(genome: Genome, some: Examples, recipe: Recipe) -> float:
    """Pictures a second of the second epoch of the training loop; the first one warms it up."""
    ends: list[float] = []
    train(
        build(genome, CLASSES),
        some,
        None,
        recipe,
        epochs=2,
        seconds=3600.0,
        seed=0,
        on_epoch=lambda *_: ends.append(time.process_time()),
        should_stop=lambda: False,
    )
    return len(some) / (ends[1] - ends[0])


def extract(side: int, repeats: int, count: int = 16) -> None:
    """Print at what rate the frozen trunk looks at pictures, by each runtime in turns."""
    pixels = pictures(side, count).features[PIXELS].numpy()
    trunk = load_trunk(TRUNK).eval()
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder, torch.inference_mode():
        cpu = torch.device("cpu")
        by_openvino = TrunkRunner(TRUNK, side, Path(folder), cpu)
        by_onnxruntime = TrunkRunner(TRUNK, side, Path(folder), cpu, served=True)

        def by_torch(batch: np.ndarray) -> object:
            return trunk(torch.from_numpy(batch).permute(0, 3, 1, 2).float())

        ways: dict[str, Callable[[np.ndarray], object]] = {
            "OpenVINO": by_openvino,
            "onnxruntime": by_onnxruntime,
            "torch": by_torch,
        }
        rates = {name: list[float]() for name in ways}
        for turn in range(1 + repeats):  # the first turn is not counted: it allocates
            for name, way in ways.items():
                started = time.process_time()
                way(pixels)
                if turn:
                    rates[name].append(count / (time.process_time() - started))
    for name, found in rates.items():
        say(f"{TRUNK} at {side} pixels, {name}: {spread(found)} pictures a second")


def pictures(side: int, count: int) -> Examples:
    """Noise with labels, in memory as a search has it."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, side, side, 3), generator=generator, dtype=torch.uint8)
    targets = torch.randint(0, CLASSES, (count,), generator=generator)
    return Examples({PIXELS: pixels}, targets, torch.arange(count))


def spread(values: list[float]) -> str:
    return f"{median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
