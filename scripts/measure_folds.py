"""How far the best of several networks is flattered, by one validation split and by cross-validation.

    python scripts/measure_folds.py trashnet-train.zip --pictures 300 --draws 4 --trainings 40

Of a zip of label folders some pictures are drawn to learn from; the others are the truth. As many trainings
buy many networks that the validation split judges, or a fifth as many that five folds judge. The networks are
random ones of the hybrid space without cells, on activations at 96 px, so that a draw takes a minute. One
JSON line a draw and way of judging.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from search_engine.config import Plan
from search_engine.data.gather import gather
from search_engine.data.manifest import Manifest, Picture
from search_engine.data.split import SplitItem, hold_out
from search_engine.evaluate.metrics import log_loss
from search_engine.space.architecture import LBFGS, Genome, Trunk
from search_engine.space.hybrid import HybridSpace
from search_engine.space.networks import build, input_shapes
from search_engine.trainer.folds import Fold, out_of_fold
from search_engine.trainer.inputs import Inputs, prepare_inputs
from search_engine.trainer.loop import predict, train

TRUNK, SIDE, EPOCHS = "efficientnet_lite0", 96, 12
CPU = torch.device("cpu")


def main() -> None:
    """Look at the pictures once, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path, metavar="ZIP")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--trainings", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="folds-") as scratch:
        inputs = look(options.zip, Path(scratch))
        for draw in range(options.draws):
            drawn = divide(inputs, options.pictures, draw)
            for folds in (1, 5):
                line = judge(drawn, folds, options.trainings // folds, draw)
                print(json.dumps({"set": options.zip.stem, "draw": draw, **line}), flush=True)  # noqa: T201


def look(source: Path, folder: Path) -> Inputs:
    """Activations of all pictures."""
    found = gather(source, folder / "pictures", on_file=lambda _: None)
    pictures = tuple(
        Picture(id=i, path=path, label=label, split="train", group=digest)
        for i, (path, (label, *_), digest) in enumerate(found.pictures)
    )
    labels = tuple(sorted({picture.label for picture in pictures}))
    manifest = Manifest(folder / "pictures", labels, pictures)
    plan = Plan(
        trunk=TRUNK,
        resolution=SIDE,
        pictures=len(pictures),
        epochs=EPOCHS,
        trial_seconds=1.0,
        prepare_seconds=1.0,
        finish_seconds=1.0,
        pooled=True,
    )
    return prepare_inputs(
        plan,
        manifest,
        cache=folder / "cache",
        shared_cache=folder / "shared",
        device=CPU,
        tell=lambda _: lambda done, total: None,
        should_stop=lambda: False,
    )


def divide(inputs: Inputs, count: int, draw: int) -> Inputs:
    """The same activations with a few pictures in training and validation, and the others in test."""
    pictures = list(inputs.manifest.pictures)
    order = random.Random(draw).sample(range(len(pictures)), len(pictures))  # noqa: S311
    items = [SplitItem(i, pictures[i].label, pictures[i].group) for i in order[:count]]
    split_of = hold_out(items, seed=draw)
    divided = tuple(replace(picture, split=split_of.get(picture.id, "test")) for picture in pictures)
    return Inputs(replace(inputs.manifest, pictures=divided), inputs.store, None, CPU)


def judge(inputs: Inputs, folds: int, count: int, draw: int) -> dict[str, object]:
    """Train random networks, take the best, and ask the weights of its first fold about the truth."""
    best: tuple[float, float, torch.nn.Module, Genome] | None = None
    for seed, genome in enumerate(networks(count, draw)):
        names = input_shapes(genome)
        parts = [Fold(inputs.examples(names, "train"), inputs.examples(names, "validation"))]
        if folds > 1:
            parts = inputs.folds(names, folds)
        models = [fitted(genome, part, len(inputs.manifest.labels), seed) for part in parts]
        logits, targets = out_of_fold(models, parts)
        accuracy = float((logits.argmax(1) == targets).float().mean())
        loss = log_loss(torch.softmax(logits, 1).numpy(), targets.numpy())
        if best is None or (accuracy, -loss) > (best[0], -best[1]):
            best = accuracy, loss, models[0], genome
    assert best is not None  # noqa: S101 -- count is not 0
    accuracy, loss, model, genome = best
    truth = inputs.examples(input_shapes(genome), "test")
    said = torch.softmax(predict(model, truth), 1).numpy()
    real = truth.labels.numpy()
    right = float(np.mean(said.argmax(1) == real))
    return {
        "folds": folds,
        "networks": count,
        "judged_on": len(targets),
        "reported": round(accuracy, 4),
        "true": round(right, 4),
        "optimism": round(accuracy - right, 4),
        "reported_log_loss": round(loss, 3),
        "true_log_loss": round(log_loss(said, real), 3),
    }


def networks(count: int, draw: int) -> Iterator[Genome]:
    """Random, without cells, trained by gradient descent."""
    space, rng = HybridSpace(Trunk(TRUNK, SIDE)), random.Random(draw)  # noqa: S311
    while count:
        genome = space.decode(space.sample(rng))
        genome = replace(genome, repeats=0)
        if genome.recipe.solver != LBFGS:
            count -= 1
            yield genome


def fitted(genome: Genome, fold: Fold, classes: int, seed: int) -> torch.nn.Module:
    """A model that has learned from a fold's training pictures."""
    torch.manual_seed(seed)
    model = build(genome, classes)
    train(
        model,
        fold.training,
        None,
        genome.recipe,
        epochs=EPOCHS,
        seconds=600.0,
        seed=seed,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    return model


if __name__ == "__main__":
    main()
