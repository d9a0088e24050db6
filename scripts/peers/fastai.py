"""Peer: fastai's ``fine_tune`` on EfficientNet-Lite0, with the epochs that fit the time.

fastai knows no budget, so batches of the head alone and of the whole network are timed, and as many epochs
are ordered as fit in what is left; a callback ends the training if the clock runs out all the same.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.vision import all as fv  # type: ignore[import-not-found]

from scripts.peers.common import Answer, Order, epochs_that_fit, labels_of, pictures_of, serve
from scripts.peers.trunk import MEAN, NAME, STD, load_weights

SIDE = 128
BATCH = 32
MOST_EPOCHS = 30
RATE = 3e-3
"""Base rate of ``fine_tune``; fastai's own default is 2e-3."""
SAFE = 0.9
"""Of the time left that is planned; validation, saving and jitter take from the rest."""


class Clock(fv.Callback):  # type: ignore[misc]
    """Ends the training when the time is over."""

    def __init__(self, order: Order) -> None:
        self.budget = order

    def after_batch(self) -> None:
        if self.budget.left() < 0:
            raise fv.CancelFitException


def fit(order: Order) -> Answer:
    """Data, timing, ``fine_tune``, test."""
    torch.set_num_threads(order.threads)
    fv.set_seed(order.seed, reproducible=True)
    labels = labels_of(order.train)
    paths, _ = pictures_of(order.train, labels)
    loaders = _loaders(paths, labels, order.train)
    learner = fv.vision_learner(loaders, NAME, normalize=False, pretrained=False)
    load_weights(learner.model[0].model, order.weights)
    learner.freeze()
    frozen, thawed = _batch_seconds(learner)
    batches = max(1, len(loaders.train))
    ready = SAFE * order.left() - frozen * batches
    epochs = epochs_that_fit(ready, thawed * batches, most=MOST_EPOCHS)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs, base_lr=RATE, freeze_epochs=1, cbs=[Clock(order)])
    fit_seconds = order.spent()
    tested = loaders.test_dl(pictures_of(order.test, labels)[0])
    with learner.no_bar():
        logits = learner.get_preds(dl=tested, act=lambda logits: logits.softmax(dim=-1))[0]
    notes = {"resolution": SIDE, "epochs": epochs, "batch_seconds": [round(frozen, 3), round(thawed, 3)]}
    return Answer(np.asarray(logits), fit_seconds, notes)


def _loaders(paths: list[Path], labels: list[str], path: Path) -> Any:
    """All pictures train; fastai's usual transforms, without flips of what may be letters."""
    block = fv.DataBlock(
        blocks=(fv.ImageBlock, fv.CategoryBlock(vocab=labels)),
        get_y=fv.parent_label,
        splitter=fv.IndexSplitter([]),
        item_tfms=fv.Resize(SIDE, method=fv.ResizeMethod.Squish),
        batch_tfms=[
            *fv.aug_transforms(do_flip=False),
            fv.Normalize.from_stats([MEAN] * 3, [STD] * 3, cuda=False),
        ],
    )
    return block.dataloaders(paths, path=path, bs=BATCH, num_workers=0, device=torch.device("cpu"))


def _batch_seconds(learner: Any) -> tuple[float, float]:
    """Seconds of a batch, loading included, for the head alone and for everything; the weights stay."""
    kept = {name: value.clone() for name, value in learner.model.state_dict().items()}
    seconds = []
    for freeze in (True, False):
        learner.freeze() if freeze else learner.unfreeze()
        batches = iter(learner.dls.train)
        begun = time.monotonic()
        for _ in range(2):
            begun = time.monotonic()
            pictures, targets = next(batches)
            learner.model.train()
            loss: Any = torch.nn.functional.cross_entropy(learner.model(_plain(pictures)), _plain(targets))
            loss.backward()
            learner.model.zero_grad()
        seconds.append(time.monotonic() - begun)
    learner.freeze()
    learner.model.load_state_dict(kept)
    return seconds[0], seconds[1]


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Without fastai's type."""
    return tensor.as_subclass(torch.Tensor)


if __name__ == "__main__":
    serve(fit)
