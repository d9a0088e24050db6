from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from search_engine.errors import Cancelled, TrialFailed
from search_engine.space.architecture import Recipe
from search_engine.trainer.loop import (
    Examples,
    TrainResult,
    one_cycle,
    parameter_groups,
    predict,
    train,
)
from search_engine.trainer.loss import balancing_offsets

RECIPE = Recipe(learning_rate=0.01, weight_decay=0.01, batch_size=16, label_smoothing=0.0, mixup=0.0)


class Small(nn.Module):
    def __init__(self, delay: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)
        self.delay = delay

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.delay:
            torch.rand(200, 200).matmul(torch.rand(200, 200))
            time.sleep(self.delay)  # stands for a slow network, not for waiting
        out: torch.Tensor = self.layer(features["embedding"])
        return out


def examples(n: int = 96, seed: int = 0) -> Examples:
    """Three clusters that a linear layer tells apart."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(n) % 3
    x = torch.randn(n, 8, generator=generator) + 3.0 * torch.eye(8)[targets]
    return Examples({"embedding": x.half()}, targets, torch.arange(n))


def fit(
    model: nn.Module,
    recipe: Recipe = RECIPE,
    *,
    epochs: int = 8,
    seconds: float = 60.0,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
    seen: list[tuple[int, int]] | None = None,
) -> TrainResult:
    return train(
        model,
        examples(),
        examples(seed=1),
        recipe,
        epochs=epochs,
        seconds=seconds,
        seed=seed,
        on_epoch=lambda epoch, of, *_: (seen if seen is not None else []).append((epoch, of)),
        should_stop=stop,
    )


def test_it_learns_and_reports_every_epoch() -> None:
    torch.manual_seed(0)
    seen: list[tuple[int, int]] = []
    result = fit(Small(), epochs=30, seen=seen)
    assert result.logits is not None
    assert (result.logits.argmax(1) == examples(seed=1).labels).float().mean() > 0.9
    assert seen == [(epoch, 30) for epoch in range(1, 31)]


def test_the_same_seed_gives_the_same_weights() -> None:
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        model = Small()
        fit(model, Recipe(0.01, 0.01, 16, 0.1, 0.2), seed=5)
        weights.append(model.layer.weight.detach().clone())
    assert torch.equal(*weights)


def test_a_schedule_that_does_not_fit_is_shortened_not_cut() -> None:
    seen: list[tuple[int, int]] = []
    result = fit(Small(delay=0.01), epochs=50, seconds=1.0, seen=seen)
    assert result.epochs < 50
    assert seen[-1][0] == seen[-1][1] == result.epochs  # the last epoch is the schedule's last
    assert result.seconds < 2.0


def test_it_stops_when_asked() -> None:
    with pytest.raises(Cancelled):
        fit(Small(), stop=lambda: True)


def test_an_infinite_loss_is_a_failed_trial() -> None:
    model = Small()
    nn.init.constant_(model.layer.weight, float("nan"))
    with pytest.raises(TrialFailed, match="infinite") as caught:
        fit(model)
    assert caught.value.kind == "diverged"


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    values = [one_cycle(step / 100) for step in range(101)]
    assert values[0] < 0.02
    assert max(values) == pytest.approx(1.0, abs=0.01)
    assert values.index(max(values)) == 10
    assert values[-1] == pytest.approx(0.0)


def test_only_matrices_decay() -> None:
    decayed, others = parameter_groups(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), 0.1)
    assert decayed["weight_decay"] == 0.1
    assert others["weight_decay"] == 0.0
    assert len(list(others["params"])) == 3  # type: ignore[call-overload]


def test_predict_keeps_the_order_and_the_mode() -> None:
    model = nn.Sequential()
    model.forward = lambda features: features["embedding"]  # type: ignore[method-assign]
    some = Examples(
        {"embedding": torch.arange(1200.0)[:, None]}, torch.zeros(1200).long(), torch.arange(1199, -1, -1)
    )
    out = predict(model, some)
    assert torch.equal(out[:, 0], torch.arange(1199.0, -1, -1))
    assert not model.training


def skewed(n: int = 200) -> Examples:
    """Two labels, one picture in ten of the second, that overlap so much that their shares decide."""
    generator = torch.Generator().manual_seed(0)
    targets = (torch.arange(n) % 10 == 0).long()
    x = torch.randn(n, 8, generator=generator)
    x[:, 0] += 1.0 * targets
    return Examples({"embedding": x}, targets, torch.arange(n))


@pytest.mark.parametrize(("balance", "low", "high"), [(0.0, 0.0, 0.15), (1.0, 0.3, 0.6)])
def test_balancing_takes_the_skew_of_the_labels_out_of_the_answers(
    balance: float, low: float, high: float
) -> None:
    torch.manual_seed(0)
    recipe, some = replace(RECIPE, balance=balance), skewed()
    result = train(
        Small(),
        some,
        some,
        recipe,
        epochs=30,
        seconds=60.0,
        seed=0,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    assert result.logits is not None
    answers = result.logits[:, :2].softmax(dim=1)[:, 1]
    assert low <= float((answers > 0.5).float().mean()) <= high


def test_offsets_are_the_logarithms_of_the_shares() -> None:
    labels = torch.tensor([0, 0, 0, 1])
    offsets = balancing_offsets(labels, 0.5)
    assert offsets is not None
    torch.testing.assert_close(offsets, 0.5 * torch.log(torch.tensor([0.75, 0.25])))
    assert balancing_offsets(labels, 0.0) is None
