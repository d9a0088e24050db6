"""What a training step makes small: cross-entropy, smoothed, mixed, and with skewed labels balanced."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from search_engine.space.architecture import Recipe


def batch_loss(
    model: Callable[[dict[str, Tensor]], Tensor],
    features: dict[str, Tensor],
    targets: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    *,
    offsets: Tensor | None = None,
) -> Tensor:
    """Cross-entropy with label smoothing, on mixed activations if the recipe says so (manifold mixup).

    Args:
        model: maps a dict of features to (N, classes) logits.
        features: of the batch.
        targets: (N,) class indices.
        recipe: mixup and label smoothing.
        generator: of who is mixed with whom.
        offsets: from ``balancing_offsets``.
    """
    if recipe.mixup <= 0.0:
        logits = _balanced(model(features), offsets)
        return F.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
    share = float(torch.distributions.Beta(recipe.mixup, recipe.mixup).sample())
    other = torch.randperm(len(targets), generator=generator)
    mixed = {name: share * t + (1.0 - share) * t[other] for name, t in features.items()}
    logits = _balanced(model(mixed), offsets)
    first = F.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
    second = F.cross_entropy(logits, targets[other], label_smoothing=recipe.label_smoothing)
    return share * first + (1.0 - share) * second


def balancing_offsets(labels: Tensor, balance: float) -> Tensor | None:
    """What the loss adds to the logits so that they need not learn how common a label is; None for nothing.

    Logit adjustment (Menon et al. 2020): the logarithm of each label's share, times ``balance``. They are
    absent when the network is used, so its scores are those of a world with the skew taken out.

    Args:
        labels: (N,) of the training pictures.
        balance: 0 for plain cross-entropy.

    Returns:
        (K,) offsets of labels 0 to K - 1, the largest that occurs.
    """
    if not balance:
        return None
    counts = torch.bincount(labels).float().clamp(min=1.0)
    return balance * torch.log(counts / counts.sum())


def _balanced(logits: Tensor, offsets: Tensor | None) -> Tensor:
    """Logits as the loss sees them; labels beyond the largest that occurs count as seen once at most."""
    if offsets is None:
        return logits
    missing = logits.shape[1] - len(offsets)
    return logits + F.pad(offsets, (0, missing), value=float(offsets.min()))
