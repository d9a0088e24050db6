"""What a frozen trunk's pooled stages and other views of a picture are worth to logistic regression.

Each zip of class folders is split 80/20, stratified, once a seed; the strength of the regularisation is
chosen on the 20 %, for every row of the table alike. Seconds are those of a thousand pictures through the
trunk, all views that the row needs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from torch import Tensor

from search_engine.data.decode import to_pixels
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.build import Candidate
from search_engine.space.hybrid import HybridSpace
from search_engine.space.trunks import EMBEDDING, POOLED, TRUNKS
from search_engine.trainer.folds import Fold
from search_engine.trainer.logistic import fit_logistic
from search_engine.trainer.loop import Examples, predict
from search_engine.trunk.graph import TrunkRunner

TRUNK = "efficientnet_lite0"
BATCH = 16
ZOOM = 0.85  # of the side, the middle
PLAIN, MIRROR, CROP = "plain", "mirror", "zoom"


@dataclass(frozen=True, slots=True)
class Row:
    """What is compared: features of the head, and the views to train on and to ask about."""

    name: str
    pooled: bool = True
    deviations: bool = True
    train: tuple[str, ...] = (PLAIN,)
    ask: tuple[str, ...] = (PLAIN,)


ROWS = (
    Row("embedding", pooled=False),
    Row("embedding, means of stages", deviations=False),
    Row("embedding, means, deviations"),
    Row("the same, mirrored pictures too", train=(PLAIN, MIRROR)),
    Row("the same, answers averaged", train=(PLAIN, MIRROR), ask=(PLAIN, MIRROR)),
    Row("plain, asked about mirrored", ask=(MIRROR,)),
    Row("plain and zoomed", train=(PLAIN, CROP)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zips", type=Path, nargs="+")
    parser.add_argument("--resolution", type=int, default=224)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = HybridSpace(Trunk(TRUNK, options.resolution), pooled=True)
    genome = space.decode(space.starts[0])
    say("| set | px | head reads | accuracy | log loss | balanced accuracy | s a thousand |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for path in options.zips:
        pictures, labels = read(path, options.resolution)
        views = {view: extract(pictures, view, options.resolution) for view in (PLAIN, MIRROR, CROP)}
        for row in ROWS:
            figures = [score(row, genome, views, labels, seed) for seed in range(options.seeds)]
            means = " | ".join(f"{value:.4f}" for value in np.mean(figures, axis=0))
            seconds = sum(1000 * views[view][1] for view in {*row.train, *row.ask} | {PLAIN})
            say(f"| {path.stem} | {options.resolution} | {row.name} | {means} | {seconds:.0f} |")


def read(path: Path, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, (N, R, R, 3) uint8, and class indices of a zip of class folders."""
    pixels, labels = [], []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith("/"):
                continue
            picture = Image.fromarray(to_pixels(archive.read(name)))
            pixels.append(np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR)))
            labels.append(Path(name).parent.name)
    return np.stack(pixels), np.unique(labels, return_inverse=True)[1]


def extract(pixels: np.ndarray, view: str, side: int) -> tuple[dict[str, Tensor], float]:
    """A view's features of all pictures, and the seconds that a picture takes."""
    with tempfile.TemporaryDirectory() as cache:
        names = [EMBEDDING, POOLED]
        runner = TrunkRunner(TRUNK, side, Path(cache), torch.device("cpu"), names=names)
        started = time.perf_counter()
        parts = [runner(seen(pixels[i : i + BATCH], view)) for i in range(0, len(pixels), BATCH)]
        seconds = (time.perf_counter() - started) / len(pixels)
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return {name: torch.from_numpy(rows).half() for name, rows in zip(names, joined, strict=True)}, seconds


def seen(pixels: np.ndarray, view: str) -> np.ndarray:
    """A batch of pictures in a view."""
    if view == PLAIN:
        return pixels
    if view == MIRROR:
        return np.ascontiguousarray(pixels[:, :, ::-1])
    side = pixels.shape[1]
    edge = round(side * (1 - ZOOM) / 2)
    box = (edge, edge, side - edge, side - edge)
    zoomed = [Image.fromarray(p).resize((side, side), Image.Resampling.BILINEAR, box=box) for p in pixels]
    return np.stack([np.asarray(picture) for picture in zoomed])


def score(
    row: Row,
    genome: Genome,
    views: dict[str, tuple[dict[str, Tensor], float]],
    labels: np.ndarray,
    seed: int,
) -> tuple[float, float, float]:
    """Accuracy, log loss and balanced accuracy on the held-out fifth."""
    split = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    training, validation = next(split.split(labels, labels))
    model = Candidate(replace(genome, pooled=row.pooled), int(labels.max()) + 1)
    fold = Fold(
        examples(row, views, row.train, labels, training),
        examples(row, views, row.ask[:1], labels, validation),
    )
    fit_logistic(
        [model],
        [fold],
        strength=None,
        seconds=600.0,
        seed=seed,
        should_stop=lambda: False,
    )
    answers = [predict(model, examples(row, views, (view,), labels, validation)) for view in row.ask]
    p = torch.stack([torch.softmax(logits, 1) for logits in answers]).mean(0).double()
    truth, said = labels[validation], p.argmax(1).numpy()
    loss = log_loss(truth, (p / p.sum(1, keepdim=True)).numpy(), labels=np.unique(labels))
    return float((said == truth).mean()), float(loss), float(balanced_accuracy_score(truth, said))


def examples(
    row: Row,
    views: dict[str, tuple[dict[str, Tensor], float]],
    names: Sequence[str],
    labels: np.ndarray,
    rows: np.ndarray,
) -> Examples:
    """Some pictures in all of some views; without deviations those are nothing for every picture."""
    parts = [views[name][0] for name in names]
    features = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    if not row.deviations:
        features[POOLED][:, TRUNKS[TRUNK].pooled // 2 :] = 0
    which = np.concatenate([rows + i * len(labels) for i in range(len(parts))])
    return Examples(features, torch.from_numpy(np.tile(labels, len(parts))), torch.from_numpy(which))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
