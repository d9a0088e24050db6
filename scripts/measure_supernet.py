"""Does the order by shared weights agree with the order of networks trained alone? The figures of decision 6.

    python -m scripts.measure_supernet PICTURES.zip --space cells --seconds 180

Trains a supernet, scores random paths and the best that its controller found, trains each of them alone with
the same recipe, and prints Kendall's tau. Training and validation pictures only, no test picture.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from search_engine.config import Plan
from search_engine.data.gather import gather, make_manifest
from search_engine.evaluate.metrics import kendall_tau
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.cost import cost
from search_engine.space.networks import build, input_shapes
from search_engine.space.registry import make_space
from search_engine.supernet.paths import PathSpace, count_operations, default_base
from search_engine.supernet.scoring import Scorer
from search_engine.supernet.search import Hunt, TimeBox, train_scorer
from search_engine.trainer.inputs import Inputs, prepare_inputs
from search_engine.trainer.loop import EVAL_BATCH, Examples, predict, train

TRUNK = "efficientnet_lite0"
SIDES = {"cells": 32, "hybrid": 128}


@dataclass(frozen=True, slots=True)
class Row:
    """One path: by shared weights (both kinds of statistics), by size, and alone."""

    kind: str
    shared: float
    batch_statistics: float
    parameters: int
    macs: int
    alone: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pictures", type=Path, help="a zip or a folder with one folder a label")
    parser.add_argument("--space", default="cells", choices=tuple(SIDES))
    parser.add_argument("--side", type=int, help="pixels; 32 for cells, 128 for hybrid")
    parser.add_argument("--seconds", type=float, default=180.0, help="of supernet and controller")
    parser.add_argument("--steps", type=int, help="of the supernet, in place of seconds: then repeatable")
    parser.add_argument(
        "--start", type=int, help="starting point of the space to take as base; first with cells"
    )
    parser.add_argument("--random", type=int, default=12, help="random paths to train alone")
    parser.add_argument("--best", type=int, default=3, help="best paths of the controller to train alone")
    parser.add_argument("--epochs", type=int, default=12, help="of a network alone")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    side = options.side or SIDES[options.space]
    space = make_space(options.space, Trunk(TRUNK, side))
    base = default_base(space) if options.start is None else space.decode(space.starts[options.start])
    paths = PathSpace(space, base)
    inputs = read(options, side, folder)
    training, validation = (inputs.examples(input_shapes(paths.base), s) for s in ("train", "validation"))
    classes = len(inputs.manifest.labels)
    say(f"{options.space} at {side} px: {len(training)} training and {len(validation)} validation pictures")

    box = TimeBox(time.monotonic(), options.seconds, options.steps)
    started = time.process_time()
    scorer, steps = train_scorer(
        paths, training, validation, classes, seed=options.seed, progress=box.training, should_stop=never
    )
    cpu, started = time.process_time() - started, time.process_time()
    hunt = Hunt(paths, scorer, box, options.seed, on_progress=lambda *_: None, should_stop=never)
    hunt.run()
    found = [vector for vector, _ in hunt.best_again()]
    searched = time.process_time() - started
    say(f"supernet: {steps} steps in {cpu:.0f} s of CPU, {len(hunt.trials)} paths scored in {searched:.0f} s")
    say(f"operations in the best {len(found)}: {count_operations(map(paths.genome, found))}")

    rng = random.Random(f"{options.seed}:compared")  # noqa: S311 - no secret
    compared = [("random", paths.sample(rng)) for _ in range(options.random)]
    compared += [("best", vector) for vector in found[: options.best]]
    say("| path | shared weights | batch statistics | parameters | MACs | alone |")
    say("| --- | --- | --- | --- | --- | --- |")
    rows = []
    for kind, vector in compared:
        genome = paths.genome(vector)
        size = cost(genome, classes)
        row = Row(
            kind=kind,
            shared=scorer.full_accuracy(genome),
            batch_statistics=with_batch_statistics(scorer, genome),
            parameters=size.parameters,
            macs=size.macs,
            alone=alone(genome, training, validation, classes, options),
        )
        say(
            f"| {kind} | {row.shared:.3f} | {row.batch_statistics:.3f} | {row.parameters} | {row.macs} "
            f"| {row.alone:.3f} |"
        )
        rows.append(row)
    summary(rows)


def summary(rows: Sequence[Row]) -> None:
    drawn, best = ([row for row in rows if row.kind == kind] for kind in ("random", "best"))
    for name in ("shared", "batch_statistics", "parameters", "macs"):
        tau = kendall_tau([getattr(row, name) for row in drawn], [row.alone for row in drawn])
        say(f"Kendall's tau with alone, {len(drawn)} random paths, {name}: {tau:.2f}")
    for name, some in (("random", drawn), ("best", best)):
        if some:
            say(f"alone, mean of {len(some)} {name} paths: {statistics.mean(row.alone for row in some):.3f}")


def read(options: argparse.Namespace, side: int, folder: Path) -> Inputs:
    found = gather(options.pictures, folder / "pictures", on_file=lambda _: None)
    plan = Plan(
        trunk=TRUNK,
        resolution=side,
        pictures=len(found.pictures),
        epochs=options.epochs,
        trial_seconds=0.0,
        prepare_seconds=0.0,
        finish_seconds=0.0,
        space=options.space,
        control_resolution=0 if options.space == "hybrid" else 96,
    )
    return prepare_inputs(
        plan,
        make_manifest(found, None, folder / "pictures", seed=options.seed),
        cache=folder / "cache",
        shared_cache=folder / "shared",
        device=torch.device("cpu"),
        tell=lambda _: lambda *_: None,
        should_stop=never,
    )


def alone(
    genome: Genome, training: Examples, validation: Examples, classes: int, options: argparse.Namespace
) -> float:
    """Validation accuracy of a network with weights of its own, after its whole schedule."""
    torch.manual_seed(options.seed)
    model = build(genome, classes)
    train(
        model,
        training,
        None,
        genome.recipe,
        epochs=options.epochs,
        seconds=1e6,
        seed=options.seed,
        on_epoch=lambda *_: None,
        should_stop=never,
    )
    return float((predict(model, validation).argmax(1) == validation.labels).float().mean())


@torch.inference_mode()
def with_batch_statistics(scorer: Scorer, genome: Genome) -> float:
    """The other way to score: with the batch-norm statistics of the held-out batches themselves."""
    for module in scorer.supernet.modules():
        module.training = isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))
    right = 0
    for part in torch.split(torch.arange(len(scorer.pool)), EVAL_BATCH):
        features, targets = scorer.pool.batch(part)
        right += int((scorer.supernet(features, genome).argmax(1) == targets).sum())
    return right / len(scorer.pool)


def never() -> bool:
    return False


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
