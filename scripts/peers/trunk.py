"""EfficientNet-Lite0 with the weights that every method gets, for adapters that use torch."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn

from scripts.peers.common import load

NAME = "tf_efficientnet_lite0"
MEAN = STD = 0.5
BATCH = 16


def load_weights(network: nn.Module, weights: Path) -> None:
    """Put the package's weights into timm's network; a classifier that it has not is left out.

    The file's keys are named otherwise but come in timm's order; shapes are checked by the strict load.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True)
    whole = timm.create_model(NAME, pretrained=False).state_dict()
    renamed = dict(zip(whole, state.values(), strict=True))
    ours = network.state_dict()
    kept = {name: value for name, value in renamed.items() if name in ours and not name.startswith("class")}
    missing = [name for name in ours if name not in kept and not name.startswith("class")]
    if missing:
        raise ValueError(f"no weights for {missing[:3]}")
    network.load_state_dict(ours | kept, strict=True)


class Means(nn.Module):
    """(N, R, R, 3) uint8 pixels to the spatial means of stages, side by side, (N, F)."""

    def __init__(self, weights: Path, stages: Sequence[int]) -> None:
        super().__init__()
        self.backbone = timm.create_model(NAME, pretrained=False)
        load_weights(self.backbone, weights)
        self.stages = frozenset(stages)

    def forward(self, pixels: Tensor) -> Tensor:
        net: Any = self.backbone
        x = net.bn1(net.conv_stem((pixels.permute(0, 3, 1, 2).float() / 255.0 - MEAN) / STD))
        means = []
        for index, stage in enumerate(net.blocks):
            x = stage(x)
            if index in self.stages:
                means.append(x.mean(dim=(2, 3)))
        means.append(net.bn2(net.conv_head(x)).mean(dim=(2, 3)))
        return torch.cat(means, dim=1)


@dataclass
class Extractor:
    """Features through onnxruntime, the quickest way on a CPU.

    Attributes:
        weights: of Lite0.
        stages: whose means are taken before the embedding, which is always.
        threads: of onnxruntime.
    """

    weights: Path
    stages: Sequence[int]
    threads: int
    _sessions: dict[int, Any] = field(default_factory=dict)

    def rate(self, paths: Sequence[Path], resolution: int) -> float:
        """Pictures a second at a resolution, decoding included, from the second batch of a few."""
        sample = [paths[i] for i in np.linspace(0, len(paths) - 1, BATCH).astype(int)]
        self.features(sample, resolution)
        begun = time.monotonic()
        self.features(sample, resolution)
        return len(sample) / (time.monotonic() - begun)

    def features(self, paths: Sequence[Path], resolution: int, *, mirror: bool = False) -> np.ndarray:
        """(pictures, F) float32."""
        return self.views(paths, resolution, mirrors=(mirror,))[0]

    def views(
        self, paths: Sequence[Path], resolution: int, *, mirrors: Sequence[bool] = (False, True)
    ) -> list[np.ndarray]:
        """The same pictures, each decoded once, as they are and mirrored."""
        if resolution not in self._sessions:
            self._sessions[resolution] = self._session(resolution)
        rows: list[list[np.ndarray]] = [[] for _ in mirrors]
        for start in range(0, len(paths), BATCH):
            pixels = np.stack([load(path, resolution) for path in paths[start : start + BATCH]])
            for into, mirror in zip(rows, mirrors, strict=True):
                given = np.ascontiguousarray(pixels[:, :, ::-1] if mirror else pixels)
                into.append(self._sessions[resolution].run(None, {"pixels": given})[0])
        return [np.concatenate(parts) for parts in rows]

    def _session(self, resolution: int) -> Any:
        import onnxruntime as ort

        target: Any = io.BytesIO()  # the exporter takes files, whatever its annotation says
        sample = torch.zeros(2, resolution, resolution, 3, dtype=torch.uint8)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Means(self.weights, self.stages).eval(),
                (sample,),
                target,
                dynamo=False,
                opset_version=20,
                input_names=["pixels"],
                output_names=["means"],
                dynamic_axes={"pixels": {0: "n"}, "means": {0: "n"}},
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        return ort.InferenceSession(target.getvalue(), options, providers=["CPUExecutionProvider"])
