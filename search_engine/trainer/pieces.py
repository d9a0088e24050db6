"""The gradients of a batch in as many pieces as memory asks for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FEWEST = 2  # pictures in a piece: batch norm cannot be trained on one
NO_ROOM = ("out of memory", "not enough memory", "can't allocate memory")
"""What CUDA's and the processor's allocator say; the latter raises a plain ``RuntimeError``."""


class Pieces:
    """Works batches off whole; once memory has run out, each in halves, then in quarters, and so on.

    The step, its learning rate and the schedule stay those of whole batches: gradients add up. Only batch
    norm sees fewer pictures at a time.

    Attributes:
        count: of pieces.
    """

    def __init__(self) -> None:
        self.count = 1

    def backward(
        self, rows: Tensor, loss_of: Callable[[Tensor], Tensor], clear: Callable[[], None]
    ) -> Tensor:
        """The mean loss of a batch; its gradients are left in the weights.

        Args:
            rows: (N,) of the batch.
            loss_of: from some of the rows to their mean loss.
            clear: removes the gradients that there are.

        Raises:
            RuntimeError: memory ran out in the smallest pieces too.
        """
        while True:
            clear()
            try:
                return self._backward(rows, loss_of)
            except RuntimeError as error:
                if not is_out_of_memory(error) or len(rows) < 2 * FEWEST * self.count:
                    raise
            self.count *= 2  # out here, where nothing holds the failed step's tensors any more
            torch.cuda.empty_cache()

    def _backward(self, rows: Tensor, loss_of: Callable[[Tensor], Tensor]) -> Tensor:
        losses = []
        for part in torch.tensor_split(rows, self.count):
            loss = loss_of(part) * (len(part) / len(rows))
            torch.autograd.backward(loss)
            losses.append(loss.detach())
        return torch.stack(losses).sum()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that there is no room for a tensor."""
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error).lower() for text in NO_ROOM)
