"""The last stages of a trunk as a part of a network that trains them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from search_engine.space.trunks import Tail, TrunkSpec

DEVIATION = 1e-6  # variance added under a root, whose slope at nothing is infinite


class TrainedTail(nn.Module):
    """A trunk's last stages and the layer behind them. Their weights are drawn, not pretrained.

    Batch norm keeps the statistics that came with the weights also while training: batches of a small data
    set say less of them (decision 15), and a network then answers as it was trained. Scales and shifts are
    trained.
    """

    def __init__(self, spec: TrunkSpec, tail: Tail) -> None:
        super().__init__()
        backbone = _backbone(spec.timm_name)
        self.blocks = nn.ModuleList(backbone.blocks[tail.first :])  # type: ignore[index]
        self.conv_head = cast("nn.Module", backbone.conv_head)
        self.bn2 = cast("nn.Module", backbone.bn2)
        self.frozen = spec.pooled_before(tail) // 2

    def forward(self, cut: Tensor, pooled: Tensor | None) -> list[Tensor]:
        """What the head reads.

        Args:
            cut: (N, C, G, G) activations where the tail begins.
            pooled: (N, P) means, then deviations, of the stages before; None if the head does not read it.

        Returns:
            The embedding (N, E), and then what is pooled of every stage, the tail's as they are now.
        """
        x = cut.contiguous(memory_format=torch.channels_last)
        means, deviations = [], []
        for block in self.blocks:
            x = block(x)
            if pooled is not None:
                mean = x.mean(dim=(2, 3))
                square = (x - mean[:, :, None, None]).square().mean(dim=(2, 3))
                means.append(mean)
                deviations.append((square + DEVIATION).sqrt())
        embedding = self.bn2(self.conv_head(x)).mean(dim=(2, 3))
        if pooled is None:
            return [embedding]
        parts = [pooled[:, : self.frozen], *means, pooled[:, self.frozen :], *deviations]
        return [embedding, torch.cat(parts, dim=1)]

    def train(self, mode: bool = True) -> TrainedTail:  # noqa: FBT001, FBT002 -- as torch has it
        """Without the batch norms' statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def _backbone(timm_name: str) -> nn.Module:
    import timm  # takes a second, and most processes build no tail

    model: nn.Module = timm.create_model(timm_name, pretrained=False)
    return model
