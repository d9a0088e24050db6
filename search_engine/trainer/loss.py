"""What a training step makes small: cross-entropy, smoothed, mixed, and with skewed labels balanced.

Targets say what is asked: (N,) int64 are places of labels, (N, L) float32 whether each label is there.
"""

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
        targets: (N,) or (N, L).
        recipe: mixup and label smoothing.
        generator: of who is mixed with whom.
        offsets: from ``balancing_offsets``.
    """
    if recipe.mixup <= 0.0:
        logits = _balanced(model(features), offsets)
        return entropy(logits, targets, recipe.label_smoothing)
    share = float(torch.distributions.Beta(recipe.mixup, recipe.mixup).sample())
    other = torch.randperm(len(targets), generator=generator)
    mixed = {name: share * t + (1.0 - share) * t[other] for name, t in features.items()}
    logits = _balanced(model(mixed), offsets)
    first = entropy(logits, targets, recipe.label_smoothing)
    second = entropy(logits, targets[other], recipe.label_smoothing)
    return share * first + (1.0 - share) * second


def is_multi(targets: Tensor) -> bool:
    """Whether pictures may have several labels."""
    return targets.is_floating_point()


def entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of softmax over pictures, or of a sigmoid each over labels of pictures.

    Args:
        logits: (N, L).
        targets: (N,) or (N, L).
        smoothing: share of the target that goes to all labels alike, or to even odds.
    """
    if not is_multi(targets):
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    return F.binary_cross_entropy_with_logits(logits, (1.0 - smoothing) * targets + 0.5 * smoothing)


def right(logits: Tensor, targets: Tensor) -> Tensor:
    """(N,) float32: whether the likeliest label is right; or what share of the labels is, at even odds."""
    if not is_multi(targets):
        return (logits.argmax(1) == targets).float()
    return ((logits >= 0.0) == (targets > 0.5)).float().mean(dim=1)


def log_odds(targets: Tensor) -> Tensor:
    """(L,) of how common each label of (N, L) is; as if of one more picture it was half there."""
    counts = targets.sum(dim=0)
    return torch.log((counts + 0.5) / (len(targets) - counts + 0.5))


def balancing_offsets(labels: Tensor, balance: float) -> Tensor | None:
    """What the loss adds to the logits so that they need not learn how common a label is; None for nothing.

    Logit adjustment (Menon et al. 2020): the logarithm of each label's share, times ``balance``. They are
    absent when the network is used, so its scores are those of a world with the skew taken out. Where
    pictures may have several labels, the log odds of each take the place of the logarithm.

    Args:
        labels: (N,) or (N, L) of the training pictures.
        balance: 0 for plain cross-entropy.

    Returns:
        (K,) offsets of labels 0 to K - 1, the largest that occurs.
    """
    if not balance:
        return None
    if is_multi(labels):
        return balance * log_odds(labels)
    counts = torch.bincount(labels).float().clamp(min=1.0)
    return balance * torch.log(counts / counts.sum())


def _balanced(logits: Tensor, offsets: Tensor | None) -> Tensor:
    """Logits as the loss sees them; labels beyond the largest that occurs count as seen once at most."""
    if offsets is None:
        return logits
    missing = logits.shape[1] - len(offsets)
    return logits + F.pad(offsets, (0, missing), value=float(offsets.min()))
