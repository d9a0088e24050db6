"""The parts of a cross-validation: what each training learns from, and what it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from search_engine.trainer.loop import Examples, predict


@dataclass(frozen=True, slots=True)
class Fold:
    """One training of a network.

    Attributes:
        training: pictures to learn from.
        held_out: pictures that judge it; None where nothing is left to (the final fit).
    """

    training: Examples
    held_out: Examples | None


def make_folds(examples: Examples, fold_of: Tensor, count: int) -> list[Fold]:
    """Each fold in turn held out, the others to learn from.

    Args:
        examples: all pictures that take part.
        fold_of: (N,) the fold of each, 0 to ``count`` - 1.
        count: of folds.
    """
    return [
        Fold(
            replace(examples, rows=examples.rows[fold_of != fold]),
            replace(examples, rows=examples.rows[fold_of == fold]),
        )
        for fold in range(count)
        if bool((fold_of == fold).any())  # the fewest pictures may not fill all
    ]


@torch.inference_mode()
def out_of_fold(models: Sequence[nn.Module], folds: Sequence[Fold]) -> tuple[Tensor, Tensor]:
    """What networks say of the pictures that each has not seen.

    Args:
        models: one a fold; fewer where the training was ended between two folds.
        folds: that they were trained on, all with something held out.

    Returns:
        (N, classes) float32 logits and targets, on the CPU, in the order of the pictures' rows.
    """
    pairs = [
        (fold.held_out, predict(model, fold.held_out))
        for model, fold in zip(models, folds, strict=False)
        if fold.held_out is not None
    ]
    rows = torch.cat([held_out.rows for held_out, _ in pairs])
    targets = torch.cat([held_out.labels for held_out, _ in pairs])
    order = rows.argsort()
    return torch.cat([logits for _, logits in pairs]).float().cpu()[order.cpu()], targets[order].cpu()
