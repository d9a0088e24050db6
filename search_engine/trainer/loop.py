"""The training loop: one candidate on cached activations or on pixels. Meant to be read in one sitting."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_engine.errors import Cancelled, TrialFailed
from search_engine.space.architecture import Recipe
from search_engine.space.scratch import PIXELS
from search_engine.trainer.augment import augment
from search_engine.trainer.loss import balancing_offsets, batch_loss, right
from search_engine.trainer.pieces import Pieces

WARM_UP = 0.1  # share of the steps in which the learning rate rises; BN statistics settle meanwhile
CLIP = 5.0  # gradient norm; random recipes with a high learning rate diverge without
PROBE_STEPS = 4  # steps timed before the schedule is fixed; the first is left out (allocations)
EVAL_BATCH = 128  # wide inverted bottlenecks hold megabytes a picture

OnEpoch = Callable[[int, int, float, float, float], None]
"""Called with epoch (from 1), epochs, mean training loss, validation accuracy, seconds of this epoch."""

Hopeless = Callable[[list[float], int], bool]
"""Asked with the validation accuracies of the epochs so far and the length of the schedule: is it to end?"""


@dataclass(frozen=True, slots=True)
class Examples:
    """Some rows of the cached features, or of the pixels.

    Attributes:
        features: name to (M, ...) float16, float32 or uint8 tensor of all pictures.
        targets: of all pictures: (M,) int64 class indices, or (M, L) float32 of 0 and 1, one a label.
        rows: (N,) int64, which of them these examples are.
    """

    features: dict[str, Tensor]
    targets: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, which: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Features as float32 and targets of the examples at some positions in ``rows``."""
        rows = self.rows[which]
        return {name: t[rows].float() for name, t in self.features.items()}, self.targets[rows]

    @property
    def labels(self) -> Tensor:
        """(N,) or (N, L) targets of these examples."""
        return self.targets[self.rows]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What training left behind.

    Attributes:
        logits: (N_validation, classes) of the final weights; None if there was no validation set.
        epochs: trained.
        seconds: wall clock.
        killed: whether it was ended early because it was hopeless.
    """

    logits: Tensor | None
    epochs: int
    seconds: float
    killed: bool = False


def train(
    model: nn.Module,
    training: Examples,
    validation: Examples | None,
    recipe: Recipe,
    *,
    epochs: int,
    seconds: float,
    seed: int,
    on_epoch: OnEpoch,
    should_stop: Callable[[], bool],
    hopeless: Hopeless | None = None,
) -> TrainResult:
    """Train a candidate's weights with AdamW and one cycle of the learning rate.

    The schedule is fixed after a few timed steps so that it ends within ``seconds``: a shorter but whole
    cycle is worth more than a long one cut off. The weights are those of the last epoch, chosen by nothing,
    so the validation figure is not flattered by picking an epoch.

    Args:
        model: maps a dict of features to (N, classes) logits; trained in place.
        training: pictures to fit.
        validation: pictures to score after each epoch; None to fit blindly (the final fit).
        recipe: hyperparameters.
        epochs: length of the schedule if time allows.
        seconds: limit on wall-clock seconds.
        seed: of batches, augmentation, mixup and dropout.
        on_epoch: called after each epoch.
        should_stop: asked before each step.
        hopeless: asked after each epoch but the last; None to train to the end in any case.

    Raises:
        Cancelled: ``should_stop`` said so.
        TrialFailed: the loss became infinite or not a number (``diverged``).
    """
    started = time.monotonic()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    # Batches of one size, none dropped: BN dislikes a ragged last one, and small sets cannot spare it.
    steps_an_epoch = math.ceil(len(training) / recipe.batch_size)
    optimizer, pieces = adamw(model, recipe), Pieces()
    loss_of = step_loss(model, training, recipe, generator)
    total, step = epochs * steps_an_epoch, 0
    epoch, logits, killed = 0, None, False
    curve: list[float] = []
    while epoch < epochs and not killed:
        epoch_started, losses = time.monotonic(), torch.zeros((), device=training.targets.device)
        model.train()
        order = torch.randperm(len(training), generator=generator)
        for rows in torch.tensor_split(order, steps_an_epoch):
            if should_stop():
                raise Cancelled("training was stopped")
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * group["rate"] * one_cycle(step / total)
            losses += pieces.backward(rows, loss_of, optimizer.zero_grad)
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            step += 1
            if step == 1:
                probe_started = time.monotonic()
            elif step == PROBE_STEPS:
                pace = (time.monotonic() - probe_started) / (PROBE_STEPS - 1)
                left = seconds - (time.monotonic() - started)
                affordable = math.floor((step + 0.9 * left / pace) / steps_an_epoch)
                epochs = max(1, min(epochs, affordable))
                total = epochs * steps_an_epoch
        epoch += 1
        mean_loss = float(losses) / steps_an_epoch
        if not math.isfinite(mean_loss):
            raise TrialFailed(
                "The training loss became infinite; this recipe does not converge.", kind="diverged"
            )
        accuracy = math.nan
        if validation is not None:
            logits = predict(model, validation)
            accuracy = float(right(logits, validation.labels).mean())
        on_epoch(epoch, epochs, mean_loss, accuracy, time.monotonic() - epoch_started)
        curve.append(accuracy)
        killed = hopeless is not None and epoch < epochs and hopeless(curve, epochs)
    model.eval()
    return TrainResult(logits=logits, epochs=epoch, seconds=time.monotonic() - started, killed=killed)


def step_loss(
    model: Callable[[dict[str, Tensor]], Tensor],
    training: Examples,
    recipe: Recipe,
    generator: torch.Generator,
) -> Callable[[Tensor], Tensor]:
    """From positions among the training pictures to the mean loss on them, changed as the recipe says."""
    offsets = balancing_offsets(training.labels, recipe.balance)

    def loss_of(rows: Tensor) -> Tensor:
        features, targets = training.batch(rows)
        if PIXELS in features:
            features = {PIXELS: augment(features[PIXELS], recipe, generator)}
        return batch_loss(model, features, targets, recipe, generator, offsets=offsets)

    return loss_of


def one_cycle(progress: float) -> float:
    """Factor on the peak learning rate at a progress in 0..1: linear warm-up, then cosine to nothing."""
    if progress < WARM_UP:
        return (progress + 1e-3) / (WARM_UP + 1e-3)
    return 0.5 * (1.0 + math.cos(math.pi * (progress - WARM_UP) / (1.0 - WARM_UP)))


def adamw(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """The optimizer; fused, or the many small tensors of a network take a twentieth of a step."""
    groups = parameter_groups(model, recipe.weight_decay, recipe.trunk_rate)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True)


def parameter_groups(
    model: nn.Module, weight_decay: float, trunk_rate: float = 0.0
) -> list[dict[str, object]]:
    """Decay matrices and filters, not biases and normalisation scales; a trunk has a rate of its own."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            groups.setdefault((name.startswith("tail."), p.ndim > 1), []).append(p)
    return [
        {"params": ps, "weight_decay": weight_decay * is_decayed, "rate": trunk_rate if in_trunk else 1.0}
        for (in_trunk, is_decayed), ps in groups.items()
    ]


@torch.inference_mode()
def predict(model: nn.Module, examples: Examples) -> Tensor:
    """(N, classes) logits in evaluation mode."""
    model.eval()
    parts = torch.split(torch.arange(len(examples)), EVAL_BATCH)
    return torch.cat([model(examples.batch(part)[0]) for part in parts])
