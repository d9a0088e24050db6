"""Peer: AutoKeras on Keras' torch backend, from scratch: its weights are on a hub and Lite0 is not in it.

AutoKeras knows no budget: a callback ends a training, and no further one begins, when the clock says so.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import autokeras as ak  # type: ignore[import-not-found]
import keras  # type: ignore[import-not-found]
import numpy as np
import torch
from autokeras.pipeline import load_pipeline  # type: ignore[import-not-found]

from scripts.peers.common import Answer, Order, labels_of, load, pictures_of, serve

SIDE = 64
BATCH = 32
MOST_TRIALS = 100
TRIAL_SHARE = 0.4
"""Of the time left that one training may take, so that there are several to choose from."""
SEARCH_SHARE = 0.9


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training after its share of the time; AutoKeras copies it for every training."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end = end
        self.until = end

    def on_train_begin(self, logs: Any = None) -> None:
        self.until = time.time() + TRIAL_SHARE * max(0.0, self.end - time.time())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.time() > self.until:
            self.model.stop_training = True


def fit(order: Order) -> Answer:
    """Small networks from scratch and residual networks, as AutoKeras proposes them."""
    torch.set_num_threads(order.threads)
    keras.utils.set_random_seed(order.seed)
    labels = labels_of(order.train)
    paths, targets = pictures_of(order.train, labels)
    pixels = _read(paths)
    _repair_head()
    end = order.started + SEARCH_SHARE * order.seconds
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        given = ak.ImageInput()
        # Pretrained blocks would be fetched from a hub; "vanilla" is its only one without weights.
        block = ak.ImageBlock(block_type="vanilla", normalize=True, augment=None)(given)
        model = ak.AutoModel(
            given,
            ak.ClassificationHead(num_classes=len(labels))(block),
            max_trials=MOST_TRIALS,
            directory=folder,
            seed=order.seed,
            tuner="greedy",
            overwrite=True,
        )
        _stop_in_time(model.tuner, end)
        model.fit(
            pixels,
            np.array([labels[i] for i in targets]),
            validation_split=0.15,
            batch_size=BATCH,
            epochs=100,
            callbacks=[Clock(end)],
            verbose=0,
        )
        fit_seconds = order.spent()
        best = model.export_model()
        answers = best.predict(_read(pictures_of(order.test, labels)[0]), batch_size=BATCH, verbose=0)
        trials = len(model.tuner.oracle.trials)
    if len(labels) == 2 and answers.shape[1] == 1:
        answers = np.concatenate([1.0 - answers, answers], axis=1)
    return Answer(answers, fit_seconds, {"resolution": SIDE, "trials": trials, "blocks": "vanilla"})


def _read(paths: list[Any]) -> np.ndarray:
    return np.stack([load(path, SIDE) for path in paths]).astype(np.float32)


def _repair_head() -> None:
    """AutoKeras 3.0 hands numpy's integers to a layer of Keras 3.15 that takes Python's alone."""
    original = ak.ClassificationHead.build

    def build(self: Any, hp: Any, inputs: Any = None) -> Any:
        self.shape = [int(side) for side in self.shape]
        return original(self, hp, inputs=inputs)

    ak.ClassificationHead.build = build


def _stop_in_time(tuner: Any, end: float) -> None:
    """No further training begins after the end, and the best model is taken as it is.

    AutoKeras would train it again on all pictures, for all the epochs ordered, and loses its callbacks
    on the way (a list in a list), so nothing would end that.
    """
    original = tuner.on_trial_end

    def on_trial_end(trial: Any) -> None:
        original(trial)
        if time.time() > end:
            tuner.oracle.max_trials = 1  # it has had that many; 0 would mean no bound

    def final_fit(**_: Any) -> Any:
        number = tuner.oracle.get_best_trials(1)[0].trial_id
        return load_pipeline(tuner._pipeline_path(number)), tuner.get_best_model(), None

    tuner.on_trial_end = on_trial_end
    tuner.final_fit = final_fit


if __name__ == "__main__":
    serve(fit)
