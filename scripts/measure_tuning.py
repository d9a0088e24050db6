"""What training the last stages of a trunk is worth, against heads and cells on the frozen one.

For each zip of class folders a stratified fifth is held out. A row is a network of the hybrid space, trained
as a search trains it, on one thread; its seconds are the processor's, for training alone.
The log loss is that after one temperature. Decision 15 has the figures.

    python -m scripts.measure_tuning trashnet-train.zip --resolution 128 --epochs 6
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import StratifiedShuffleSplit
from torch import Tensor

from scripts.measure_taps import read, say
from search_engine.evaluate.ensemble import fit_temperature, softmax
from search_engine.evaluate.metrics import log_loss
from search_engine.space.architecture import LBFGS, Genome, Head, Trunk
from search_engine.space.build import Candidate
from search_engine.space.hybrid import HybridSpace
from search_engine.space.trunks import TRUNKS
from search_engine.trainer.logistic import fit_logistic
from search_engine.trainer.loop import Examples, predict, train
from search_engine.trainer.tuning import head_epochs, take_over, with_frozen_trunk
from search_engine.trunk.graph import TrunkRunner, feature_names

TRUNK = "efficientnet_lite0"
BATCH = 16
FROZEN_EPOCHS = 30  # of heads and cells, as a search trains them where it has the time


@dataclass(frozen=True, slots=True)
class Row:
    """A network to try, and for how long."""

    name: str
    genome: Genome
    epochs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zips", type=Path, nargs="+")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--pictures", type=int, help="of a set, drawn at random, at the most")
    parser.add_argument("--epochs", type=int, default=6, help="of networks that train a part of the trunk")
    parser.add_argument("--depths", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--hidden", type=int, nargs="+", default=[0], help="units of their heads")
    parser.add_argument("--learning-rates", type=float, nargs="+", default=[0.002])
    parser.add_argument("--trunk-rates", type=float, nargs="+", default=[0.1])
    parser.add_argument("--cache", type=Path, required=True, help="folder for activations")
    parser.add_argument("--only-tuned", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    say("| set | px | network | epochs | accuracy | log loss | s |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for path in options.zips:
        features, labels = activations(path, options.resolution, options.cache, options.pictures)
        for row in rows(options):
            figures = [score(row, features, labels, seed) for seed in range(options.seeds)]
            accuracy, loss, seconds = np.mean(figures, axis=0)
            figures_text = f"{accuracy:.4f} | {loss:.4f} | {seconds:.0f}"
            say(f"| {path.stem} | {options.resolution} | {row.name} | {row.epochs} | {figures_text} |")


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """The networks that a search begins with, then the trained trunks."""
    space = HybridSpace(Trunk(TRUNK, options.resolution), pooled=True, unfreeze=3)
    logistic, perceptron, tuned, cell = (space.decode(start) for start in space.starts)
    if not options.only_tuned:
        yield Row("logistic regression", logistic, 1)
        yield Row("256 hidden units", perceptron, FROZEN_EPOCHS)
        yield Row("one cell", cell, FROZEN_EPOCHS)
    numbers = (options.depths, options.hidden, options.learning_rates, options.trunk_rates)
    for depth, hidden, rate, share in itertools.product(*numbers):
        recipe = replace(tuned.recipe, learning_rate=rate, trunk_rate=share)
        head = tuned.head if hidden else Head(hidden=0, dropout=0.0)
        genome = replace(tuned, unfrozen=depth, recipe=recipe, head=replace(head, hidden=hidden))
        yield Row(
            f"last {depth} trained, {hidden} hidden units, {rate:g} x {share:g}", genome, options.epochs
        )


def activations(path: Path, side: int, cache: Path, most: int | None) -> tuple[dict[str, Tensor], np.ndarray]:
    """All features of all pictures, float16, kept in the cache, and class indices."""
    names = feature_names(TRUNKS[TRUNK], len(TRUNKS[TRUNK].tails))
    file = cache / f"{path.stem}-{side}{f'-{most}' if most else ''}.npz"
    if not file.exists():
        pixels, labels = read(path, side)
        chosen = np.random.default_rng(0).permutation(len(pixels))[:most]
        pixels, labels = pixels[chosen], labels[chosen]
        runner = TrunkRunner(TRUNK, side, cache, torch.device("cpu"), names=names)
        started = time.process_time()
        parts = [runner(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
        say(f"<!-- {len(pixels)} pictures through the trunk in {time.process_time() - started:.0f} s -->")
        columns = [np.concatenate(column).astype(np.float16) for column in zip(*parts, strict=True)]
        held: dict[str, Any] = {"labels": labels, **dict(zip(names, columns, strict=True))}
        np.savez(file, allow_pickle=False, **held)
    held = dict(np.load(file))
    return {name: torch.from_numpy(held[name]) for name in names}, held["labels"]


def score(row: Row, features: dict[str, Tensor], labels: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Accuracy, log loss and seconds of training on a held-out fifth."""
    split = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    training, validation = (
        Examples(features, torch.from_numpy(labels), torch.from_numpy(part))
        for part in next(split.split(labels, labels))
    )
    started = time.process_time()
    torch.manual_seed(seed)
    model = fitted(row, training, validation, int(labels.max()) + 1, seed)
    seconds = time.process_time() - started
    logits, targets = predict(model, validation).numpy(), validation.labels.numpy()
    probabilities = softmax(logits, fit_temperature(logits, targets))
    return float((logits.argmax(1) == targets).mean()), log_loss(probabilities, targets), seconds


def fitted(row: Row, training: Examples, validation: Examples, classes: int, seed: int) -> Candidate:
    """The network, trained as ``fitting.Fitter`` does it, but for as long as it takes."""
    model = Candidate(row.genome, classes)
    if row.genome.unfrozen:
        head = fitted(
            Row("", with_frozen_trunk(row.genome), head_epochs(len(training))),
            training,
            validation,
            classes,
            seed,
        )
        take_over(model, head)
    if row.genome.recipe.solver == LBFGS:
        fit_logistic(
            model,
            training,
            validation,
            strength=None,
            seconds=600.0,
            seed=seed,
            should_stop=lambda: False,
        )
        return model
    train(
        model,
        training_needs(model, training),
        None,
        row.genome.recipe,
        epochs=row.epochs,
        seconds=36000.0,
        seed=seed,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    return model


def training_needs(model: Candidate, examples: Examples) -> Examples:
    """With the features alone that the network reads: mixing and batching touch them all."""
    return replace(examples, features={name: examples.features[name] for name in model.needs})


if __name__ == "__main__":
    main()
