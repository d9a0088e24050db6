"""Peer: AutoGluon's ``MultiModalPredictor``, fine-tuning EfficientNet-Lite0 within its own time limit.

AutoGluon would fetch timm's weights from a hub, so ``timm.create_model`` is given those that everybody gets.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import timm
import torch

from scripts.peers.common import Answer, Order, epochs_that_fit, labels_of, pictures_of, serve
from scripts.peers.trunk import NAME, load_weights

SIDE = 128
BATCH = 32
STEP = 8
MOST_EPOCHS = 20
"""AutoGluon's own default; fewer are ordered if fewer fit, or its schedule would never come down."""
FIT_SHARE = 0.85
"""Of the time left that is given as the limit: what it does before and after training comes on top."""


def fit(order: Order) -> Answer:
    """The predictor with one image model, its own split, augmentation and schedule."""
    torch.set_num_threads(order.threads)
    _give_weights(order)
    from autogluon.multimodal import MultiModalPredictor  # type: ignore[import-not-found]

    labels = labels_of(order.train)
    paths, targets = pictures_of(order.train, labels)
    epochs = epochs_that_fit(FIT_SHARE * order.left(), _step_seconds() * len(paths) / STEP, most=MOST_EPOCHS)
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        predictor = MultiModalPredictor(
            label="label", problem_type="multiclass", path=str(Path(folder, "model")), verbosity=1
        )
        predictor.fit(
            pd.DataFrame({"image": [str(path) for path in paths], "label": [labels[i] for i in targets]}),
            time_limit=FIT_SHARE * order.left(),
            seed=order.seed,
            hyperparameters={
                "model.names": ["timm_image"],
                "model.timm_image.checkpoint_name": NAME,
                "model.timm_image.image_size": SIDE,
                "optim.max_epochs": epochs,
                "env.batch_size": BATCH,
                "env.per_gpu_batch_size": STEP,
                "env.num_gpus": 0,
                "env.num_workers": 0,
                "env.num_workers_inference": 0,
                "env.precision": 32,
            },
        )
        fit_seconds = order.spent()
        tested = pd.DataFrame({"image": [str(path) for path in pictures_of(order.test, labels)[0]]})
        answers = predictor.predict_proba(tested)
        probabilities = np.asarray(answers[labels])
    return Answer(probabilities, fit_seconds, {"resolution": SIDE, "epochs": epochs})


def _step_seconds() -> float:
    """Seconds of forward and backward for a step of the whole network."""
    network = timm.create_model(NAME, pretrained=False)
    begun = 0.0
    for _ in range(2):
        begun = time.monotonic()
        network(torch.zeros(STEP, 3, SIDE, SIDE)).sum().backward()
    return time.monotonic() - begun


def _give_weights(order: Order) -> None:
    original: Any = timm.create_model

    def create_model(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        network = original(name, pretrained=False, **options)
        if pretrained and name == NAME:
            load_weights(network, order.weights)
        return network

    setattr(timm, "create_model", create_model)  # noqa: B010 - the name that AutoGluon looks up
    from autogluon.multimodal.models import timm_image  # type: ignore[import-not-found]

    timm_image.create_model = create_model


if __name__ == "__main__":
    serve(fit)
