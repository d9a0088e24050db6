"""Logistic regression on what a frozen trunk pools, to its optimum by L-BFGS (Liu and Nocedal 1989).

The parameters are those of a candidate with a linear head and no cells, so the network is built, exported and
counted like any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from search_engine.errors import Cancelled, SpaceError
from search_engine.space.build import Candidate
from search_engine.trainer.folds import Fold, out_of_fold
from search_engine.trainer.loop import Examples
from search_engine.trainer.loss import entropy

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Inverse regularisation on standardised features, strongest first: each fit begins where the last ended."""
ROWS = 20_000  # pictures; more are sampled, since every step reads them all
STEPS = 40  # a strength; nearer to the optimum validation loss no longer changes
STEPS_A_TURN = 10  # between two looks at the clock
DEVIATION = 1e-3  # added to each feature's, so that one that never varies is not blown up


def fit_logistic(
    models: Sequence[Candidate],
    folds: Sequence[Fold],
    *,
    strength: float | None,
    seconds: float,
    seed: int,
    should_stop: Callable[[], bool],
) -> float:
    """Fit linear candidates in place, one a fold.

    Args:
        models: without cells and hidden units.
        folds: pictures that each is fitted to, and those on which together the strength is chosen, by log
            loss; the final fit is one fold with nothing held out.
        strength: inverse regularisation of the final fit; None to choose it.
        seconds: limit on wall-clock seconds; one strength is tried in any case.
        seed: of the sample, where there are too many pictures.
        should_stop: asked often.

    Returns:
        The strength that was used.

    Raises:
        Cancelled: ``should_stop`` said so.
        SpaceError: a model has more to train than one linear layer.
    """
    until = time.monotonic() + seconds

    def is_late() -> bool:
        if should_stop():
            raise Cancelled("training was stopped")
        return time.monotonic() > until

    layers = [_only_layer(model) for model in models]
    data = [_standardised(model, fold.training, seed) for model, fold in zip(models, folds, strict=True)]
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    best: tuple[float, float, list[tuple[Tensor, Tensor]]] | None = None
    for tried in STRENGTHS if strength is None else (strength,):
        if best is not None and is_late():
            break
        for layer, (x, targets) in zip(layers, data, strict=True):
            descend(layer, x, targets, tried, is_late)
        loss = 0.0
        if strength is None:
            loss = float(entropy(*out_of_fold(models, folds)))
        if best is not None and loss > best[0]:
            break  # the loss has one valley: weaker still is worse still
        best = (loss, tried, [(each.weight.detach().clone(), each.bias.detach().clone()) for each in layers])
    assert best is not None  # noqa: S101 -- STRENGTHS is not empty
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, best[2], strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return best[1]


def _only_layer(model: Candidate) -> nn.Linear:
    layer = model.head[-1]
    if model.plan.cells or len(model.head) > 1 or not isinstance(layer, nn.Linear):
        raise SpaceError("L-BFGS fits a linear classifier without cells and hidden units only")
    return layer


@torch.no_grad()
def _standardised(model: Candidate, training: Examples, seed: int) -> tuple[Tensor, Tensor]:
    """What the linear layer reads, (N, F), and targets; the model is made to standardise by it."""
    which = torch.arange(len(training))
    if len(training) > ROWS:
        which = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))[:ROWS]
    features, targets = training.batch(which)
    x = model.joined(features)
    norm = model.feature_norm
    assert norm.running_mean is not None and norm.running_var is not None  # noqa: S101, PT018 -- it tracks
    norm.running_mean.copy_(x.mean(dim=0))
    norm.running_var.copy_((x.std(dim=0, correction=0) + DEVIATION).square() - norm.eps)
    return model.eval().feature_norm(x), targets


def descend(
    linear: nn.Linear, x: Tensor, targets: Tensor, strength: float, is_late: Callable[[], bool]
) -> None:
    """Minimise the mean cross-entropy and scikit-learn's penalty, |w|^2 / (2 C N), in place.

    With several labels a picture these are as many regressions, one against the rest, side by side.

    Args:
        linear: to fit.
        x: (N, F) features.
        targets: (N,) or (N, L).
        strength: inverse regularisation C.
        is_late: asked now and then whether to end here.
    """
    decisions = targets[0].numel()  # a picture; the loss is their mean, and each has its own penalty
    optimizer = torch.optim.LBFGS(
        linear.parameters(), max_iter=STEPS_A_TURN, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        penalty = linear.weight.square().sum() / (2.0 * strength * len(targets) * decisions)
        loss = entropy(linear(x), targets) + penalty
        torch.autograd.backward(loss)
        return loss

    for _ in range(STEPS // STEPS_A_TURN):
        optimizer.step(closure)  # type: ignore[no-untyped-call]
        if is_late():
            return
