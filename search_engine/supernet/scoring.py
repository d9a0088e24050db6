"""What a path is worth with the shared weights: accuracy on held-out pictures, always the same ones."""

from __future__ import annotations

import torch

from search_engine.space.architecture import Genome
from search_engine.supernet.network import Supernet
from search_engine.trainer.loop import EVAL_BATCH, Examples
from search_engine.trainer.loss import right

POOL = 1024
"""Held-out pictures that a path is scored on, or all if there are fewer. ENAS takes one batch of 160: two
paths are then compared on different pictures, and its standard error is 3 to 4 points."""
CALIBRATION = 512
"""Training pictures, at most, that the batch-norm statistics of a path are taken from before it is scored."""


class Scorer:
    """Scores paths.

    The statistics of batch norm are taken anew for each path, from training pictures. Scoring with the
    statistics of the held-out batches themselves would save a third of the time, but a picture's score would
    hang on its neighbours in the batch, and it is not what the network does when it stands alone.

    Attributes:
        supernet: with trained weights.
        pool: held-out pictures that ``accuracy`` uses.
        everything: all held-out pictures.
    """

    def __init__(self, supernet: Supernet, training: Examples, validation: Examples, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.supernet = supernet
        self._calibration = _some(training, CALIBRATION, generator)
        self.pool = _some(validation, POOL, generator)
        self.everything = validation

    @property
    def pool_is_everything(self) -> bool:
        return len(self.pool) == len(self.everything)

    @property
    def full_cost(self) -> float:
        """What a score on all held-out pictures costs, as a multiple of one on the pool."""
        calibration = len(self._calibration)
        return (calibration + len(self.everything)) / (calibration + len(self.pool))

    def accuracy(self, path: Genome) -> float:
        """Accuracy of a path on the pool, 0..1."""
        return self._score(path, self.pool)

    def full_accuracy(self, path: Genome) -> float:
        """Accuracy of a path on all held-out pictures, 0..1."""
        return self._score(path, self.everything)

    def _score(self, path: Genome, examples: Examples) -> float:
        parts = torch.tensor_split(
            torch.arange(len(self._calibration)), -(-len(self._calibration) // EVAL_BATCH)
        )
        self.supernet.recalibrate(path, [self._calibration.batch(part)[0] for part in parts])
        total = 0.0
        with torch.inference_mode():
            for part in torch.split(torch.arange(len(examples)), EVAL_BATCH):
                features, targets = examples.batch(part)
                total += float(right(self.supernet(features, path), targets).sum())
        return total / len(examples)


def _some(examples: Examples, count: int, generator: torch.Generator) -> Examples:
    """A random part, in random order; all, if there are no more."""
    order = torch.randperm(len(examples), generator=generator)[:count]
    return Examples(examples.features, examples.targets, examples.rows[order])
