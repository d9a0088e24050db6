"""Batches that memory has no room for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from search_engine.space.architecture import Recipe
from search_engine.trainer.loop import Examples, train
from search_engine.trainer.pieces import Pieces, is_out_of_memory

ROOM = 5
"""Pictures that the machine of these tests has room for."""


class Cramped(nn.Module):
    """A linear classifier on a machine with little memory."""

    def __init__(self, error: type[RuntimeError] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)
        self.error = error
        self.sizes: list[int] = []

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        count = len(features["embedding"])
        if self.training:
            self.sizes.append(count)
            if count > ROOM:
                raise self.error("[enforce fail at alloc_cpu.cpp] not enough memory: you tried to allocate")
        out: Tensor = self.layer(features["embedding"])
        return out


def examples(count: int = 48) -> Examples:
    """Three clusters that a linear layer tells apart."""
    targets = torch.arange(count) % 3
    x = torch.randn(count, 8, generator=torch.Generator().manual_seed(0)) + 3.0 * torch.eye(8)[targets]
    return Examples({"embedding": x}, targets, torch.arange(count))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_training_goes_on_with_smaller_pieces_when_memory_runs_out(error: type[RuntimeError]) -> None:
    torch.manual_seed(0)
    model = Cramped(error)
    result = train(
        model,
        examples(),
        examples(),
        Recipe(learning_rate=0.01, weight_decay=0.0, batch_size=16, label_smoothing=0.0, mixup=0.0),
        epochs=20,
        seconds=60.0,
        seed=0,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    assert model.sizes[:6] == [16, 8, 4, 4, 4, 4]
    assert model.sizes[6:] == [4] * (len(model.sizes) - 6)
    assert result.logits is not None
    assert float((result.logits.argmax(1) == examples().labels).float().mean()) > 0.9


def test_pieces_leave_the_gradients_of_the_whole_batch() -> None:
    features, targets = examples().features["embedding"], examples().targets
    layer = nn.Linear(8, 3)

    def loss_of(rows: Tensor) -> Tensor:
        return nn.functional.cross_entropy(layer(features[rows]), targets[rows])

    rows, pieces = torch.arange(7), Pieces()
    whole = pieces.backward(rows, loss_of, layer.zero_grad)
    expected = [weights.grad for weights in layer.parameters()]
    pieces.count = 3
    torch.testing.assert_close(pieces.backward(rows, loss_of, layer.zero_grad), whole)
    torch.testing.assert_close([weights.grad for weights in layer.parameters()], expected)


def test_a_network_that_has_no_room_for_two_pictures_fails() -> None:
    def no_room(rows: Tensor) -> Tensor:
        sizes.append(len(rows))
        raise torch.OutOfMemoryError("CUDA out of memory")

    sizes: list[int] = []
    with pytest.raises(torch.OutOfMemoryError):
        Pieces().backward(torch.arange(16), no_room, lambda: None)
    assert sizes == [16, 8, 4, 2]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
