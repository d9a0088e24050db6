"""Training the shared weights: each step goes along one path, drawn uniformly (SPOS, Guo et al. 2019)."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from search_engine.errors import Cancelled, TrialFailed
from search_engine.supernet.network import Supernet
from search_engine.supernet.paths import PathSpace
from search_engine.trainer.loop import CLIP, Examples, adamw, one_cycle, step_loss
from search_engine.trainer.pieces import Pieces

CHECK_EVERY = 25
"""Steps between looks at the loss: reading it waits for the device."""


def train_shared(
    supernet: Supernet,
    paths: PathSpace,
    training: Examples,
    *,
    seed: int,
    progress: Callable[[int], float],
    should_stop: Callable[[], bool],
) -> int:
    """Train with the base's recipe: AdamW and one cycle, over however many steps there turn out to be.

    A step moves the weights of its path alone: all others have no gradient, and AdamW leaves them as they
    are. The paths are uniform over the decisions and not over what the controller likes, so no path scores
    well only because it was trained more.

    Args:
        supernet: trained in place.
        paths: to draw from.
        training: pictures to fit.
        seed: of paths, batches, augmentation, mixup and dropout.
        progress: from steps done to how far the training is, 0..1; at 1 it ends.
        should_stop: asked before each step.

    Returns:
        Steps done.

    Raises:
        Cancelled: ``should_stop`` said so.
        TrialFailed: the loss became infinite or not a number (``diverged``).
    """
    recipe = supernet.base.recipe
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    rng = random.Random(f"{seed}:paths")
    optimizer, pieces = adamw(supernet, recipe), Pieces()
    weights = list(supernet.parameters())  # listing hundreds of small ones takes as long as a small cell
    supernet.train()
    steps = 0
    batches: Iterator[Tensor] = iter(())
    while (done := progress(steps)) < 1.0:
        if should_stop():
            raise Cancelled("training was stopped")
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * one_cycle(done)
        rows = next(batches, None)
        if rows is None:
            order = torch.randperm(len(training), generator=generator)
            batches = iter(torch.tensor_split(order, math.ceil(len(training) / recipe.batch_size)))
            rows = next(batches)
        path = paths.genome(paths.uniform(rng))
        loss_of = step_loss(partial(supernet, path=path), training, recipe, generator)
        loss = pieces.backward(rows, loss_of, optimizer.zero_grad)
        nn.utils.clip_grad_norm_(weights, CLIP)
        optimizer.step()
        steps += 1
        if steps % CHECK_EVERY == 0 and not math.isfinite(float(loss)):
            raise TrialFailed(
                "The shared weights diverged; the base's recipe does not converge.", kind="diverged"
            )
    return steps
