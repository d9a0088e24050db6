"""How many wrong labels are found: labels of a zip are flipped at random and looked for.

    python scripts/measure_suspects.py trashnet-train.zip --flip 0.05 --seeds 0 1 2

All pictures of the zip are looked at once at ``--side`` pixels; then, a seed at a time, labels are flipped,
pictures are judged in five folds and ranked by the functions that a search uses. Beside the ranking that a
search makes, other scores of the same probabilities are compared. One JSON line a seed and score: recall of
the flips in the top tenth, average precision, how many labels are suspected, and how many of the top so many
are flips. With ``--flip 0`` that is how many are suspected for nothing, as far as the labels are right.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from search_engine.config import Plan
from search_engine.data.gather import gather
from search_engine.data.manifest import Manifest, Picture
from search_engine.data.split import SplitItem, hold_out
from search_engine.doubting import logistic_opinions
from search_engine.evaluate.confident import class_thresholds
from search_engine.trainer.inputs import Inputs, prepare_inputs

TRUNK = "efficientnet_lite0"
CPU = torch.device("cpu")
TOP = 0.1  # of the pictures


def main() -> None:
    """Look at the pictures once, then flip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path, metavar="ZIP")
    parser.add_argument("--flip", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--side", type=int, default=96)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="suspects-") as scratch:
        inputs, plan = look(options.zip, Path(scratch), options.side)
        for seed in options.seeds:
            for line in judge(inputs, plan, options.flip, seed):
                said = {"set": options.zip.stem, "side": options.side, "seed": seed, **line}
                print(json.dumps(said), flush=True)  # noqa: T201


def look(source: Path, folder: Path, side: int) -> tuple[Inputs, Plan]:
    """Activations of all pictures, as a search has them that cannot afford cross-validation."""
    found = gather(source, folder / "pictures", on_file=lambda _: None)
    items = [SplitItem(i, labels[0], digest) for i, (_, labels, digest) in enumerate(found.pictures)]
    split_of = hold_out(items, seed=0)
    pictures = tuple(
        Picture(id=i, path=path, label=names[0], split=split_of[i], group=digest)
        for i, (path, names, digest) in enumerate(found.pictures)
    )
    labels = tuple(sorted({picture.label for picture in pictures}))
    plan = Plan(
        trunk=TRUNK,
        resolution=side,
        pictures=len(pictures),
        epochs=1,
        trial_seconds=1.0,
        prepare_seconds=1.0,
        finish_seconds=1.0,
        pooled=True,
    )
    inputs = prepare_inputs(
        plan,
        Manifest(folder / "pictures", labels, pictures),
        cache=folder / "cache",
        shared_cache=folder / "shared",
        device=CPU,
        tell=lambda _: lambda done, total: None,
        should_stop=lambda: False,
    )
    return inputs, plan


def flipped(
    pictures: Sequence[Picture], labels: Sequence[str], share: float, seed: int
) -> tuple[tuple[Picture, ...], set[int]]:
    """The pictures with a share of their labels exchanged for another, and the ids of those."""
    rng = random.Random(seed)  # noqa: S311
    chosen = {pictures[i].id for i in rng.sample(range(len(pictures)), round(share * len(pictures)))}
    wrong = tuple(
        replace(p, label=rng.choice([each for each in labels if each != p.label])) if p.id in chosen else p
        for p in pictures
    )
    return wrong, chosen


def judge(inputs: Inputs, plan: Plan, share: float, seed: int) -> list[dict[str, object]]:
    """Flip, judge and rank; a line a score, the search's own first."""
    manifest = inputs.manifest
    pictures, chosen = flipped(manifest.pictures, manifest.labels, share, seed)
    wrong = Inputs(replace(manifest, pictures=pictures), inputs.store, None, CPU, inputs._loaded)
    started = time.monotonic()
    seen = logistic_opinions(wrong, plan, len(manifest.labels), seconds=600.0, should_stop=lambda: False)
    seconds = time.monotonic() - started
    ranking = seen.ranking(manifest.labels)
    place = {label: index for index, label in enumerate(manifest.labels)}
    given = np.array([place[picture.label] for picture in seen.pictures])
    is_flip = np.array([picture.id in chosen for picture in seen.pictures])
    count = int(ranking.suspected.sum())
    same = {
        "pictures": len(given),
        "flips": int(is_flip.sum()),
        "right": round(float((ranking.likeliest == given).mean()), 4),
        "suspected": count,
        "seconds": round(seconds, 1),
    }
    scores = {"self_confidence": ranking.suspicion, **other_scores(seen.probabilities, given)}
    return [same | {"score": name, **found(score, is_flip, count)} for name, score in scores.items()]


def other_scores(probabilities: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """Other ways to rank: the margin to the likeliest other label, and both after subtracting thresholds."""
    thresholds = class_thresholds(probabilities, given)
    thresholds = np.where(np.isfinite(thresholds), thresholds, 1.0)
    adjusted = probabilities - thresholds + thresholds.max()
    adjusted /= adjusted.sum(axis=1, keepdims=True)
    return {
        "margin": margin(probabilities, given),
        "adjusted_self_confidence": 1.0 - adjusted[np.arange(len(given)), given],
        "adjusted_margin": margin(adjusted, given),
    }


def margin(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How much likelier the likeliest other label is, -1 to 1."""
    rows, others = np.arange(len(given)), probabilities.copy()
    others[rows, given] = -1.0
    ahead: np.ndarray = others.max(axis=1) - probabilities[rows, given]
    return ahead


def found(score: np.ndarray, is_flip: np.ndarray, count: int) -> dict[str, float | None]:
    """How well a score finds flips: recall in the top tenth, precision at a count, average precision."""
    if not is_flip.any():
        return {"recall_in_top_tenth": None, "precision": None, "average_precision": None}
    order = np.argsort(-score, kind="stable")
    return {
        "recall_in_top_tenth": round(recall_in_top(score, is_flip), 4),
        "precision": round(float(is_flip[order[:count]].mean()), 4) if count else None,
        "average_precision": round(float(average_precision_score(is_flip, score)), 4),
    }


def recall_in_top(score: np.ndarray, is_flip: np.ndarray | Collection[bool], share: float = TOP) -> float:
    """Of the flips, the share that is among the highest scores."""
    wrong = np.asarray(is_flip)
    top = np.argsort(-score, kind="stable")[: round(share * len(score))]
    return float(wrong[top].sum() / wrong.sum())


if __name__ == "__main__":
    main()
