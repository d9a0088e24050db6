"""The frozen trunk as an ONNX graph: on a CPU OpenVINO looks at pictures three times as fast as torch does.

What is served runs in onnxruntime, so its time for a picture is measured there (decision 3).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from search_engine.space.trunks import CUT, EMBEDDING, POOLED, TrunkSpec
from search_engine.trunk.weights import TappedTrunk, load_trunk

Run = Callable[[np.ndarray], list[np.ndarray]]
"""From (N, R, R, 3) uint8 pixels to features, float32."""
OPSET = 20
GRAPH = 2  # of the outputs: graphs that older versions left in the cache lack some


class _Outputs(nn.Module):
    """The trunk with its outputs in a fixed order, for the exporter. Takes (N, R, R, 3) uint8."""

    def __init__(self, trunk: TappedTrunk, names: Sequence[str]) -> None:
        super().__init__()
        self.trunk = trunk
        self.names = names

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        features = self.trunk(pixels.permute(0, 3, 1, 2).float())
        return tuple(features[name] for name in self.names)


def feature_names(spec: TrunkSpec, unfreeze: int = 0) -> list[str]:
    """What is cached of a trunk, in order: every tap, the embedding, what is pooled of all stages, and cuts.

    Args:
        spec: of the trunk.
        unfreeze: the most of its stages that a network may train; there is a cut for each number up to it.
    """
    cuts = [name for tail in spec.tails[:unfreeze] for name in (tail.pooled, tail.cut)]
    return [*(tap.name for tap in spec.taps), EMBEDDING, POOLED, *cuts]


def session(model: str | bytes) -> ort.InferenceSession:
    """An onnxruntime session with one thread that does not spin: cheap beside other work."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def export_legacy(
    module: nn.Module,
    args: tuple[Tensor, ...],
    target: str | Path,
    *,
    inputs: list[str],
    outputs: list[str],
) -> None:
    """Export with the TorchScript exporter, batch size free: about a second, where dynamo takes eleven."""
    module.eval()  # the exporter restores the mode it found, also in parts that others hold
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            args,
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes={name: {0: "n"} for name in [*inputs, *outputs]},
        )


def reader(model: Path, names: Sequence[str]) -> Run:
    """One thread of OpenVINO, in float32: how most pictures are looked at on a CPU.

    Threads are not pinned: engines beside each other would all choose the same core.
    """
    import openvino  # half a second; most processes look at no pictures

    options = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(str(model), "CPU", options)
    outputs = [compiled.output(name) for name in names]

    def run(pixels: np.ndarray) -> list[np.ndarray]:
        found = compiled([pixels])
        return [found[output] for output in outputs]

    return run


def server(model: Path, names: Sequence[str]) -> Run:
    """One thread of onnxruntime, as networks are served."""
    runtime = session(str(model))
    return lambda pixels: list(runtime.run(list(names), {"pixels": pixels}))


class TrunkRunner:
    """Runs a trunk over pictures.

    Attributes:
        names: the features it gives.
    """

    def __init__(
        self,
        name: str,
        resolution: int,
        cache: Path,
        device: torch.device,
        *,
        names: Sequence[str] | None = None,
        served: bool = False,
    ) -> None:
        """Args:
        name: in ``TRUNKS``.
        resolution: side in pixels.
        cache: folder for the exported graph.
        device: on a CPU OpenVINO runs the graph, on a GPU torch does.
        names: features that are wanted; all but the cuts if None.
        served: whether onnxruntime is to run it, as it does in a network that answers.
        """
        trunk = load_trunk(name)
        usual = feature_names(trunk.spec)
        self.names = list(names or usual)
        # One graph for all that ask for no cut: with more outputs the runtime can fuse less.
        made = [*usual, *(each for each in self.names if each not in usual)]
        self._trunk: _Outputs | None = None
        self._graph: Run | None = None
        self._device = device
        if served or device.type == "cpu":
            file = _graph_file(trunk, resolution, cache, made)
            self._graph = (server if served else reader)(file, self.names)
        else:
            self._trunk = _Outputs(trunk, self.names).to(device)

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray]:
        """Features of (N, R, R, 3) uint8 pixels, in the order of ``names``, float32."""
        if self._graph is not None:
            return self._graph(pixels)
        assert self._trunk is not None  # noqa: S101 -- one of the two is set
        with torch.inference_mode():
            outputs = self._trunk(torch.from_numpy(pixels).to(self._device))
        return [output.cpu().numpy() for output in outputs]


def _graph_file(trunk: TappedTrunk, resolution: int, cache: Path, names: list[str]) -> Path:
    cuts = "".join(f"-{name}" for name in names if name.startswith(CUT))
    path = cache / "trunks" / f"{trunk.spec.name}-{resolution}-{GRAPH}{cuts}.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        sample = torch.zeros(2, resolution, resolution, 3, dtype=torch.uint8)
        export_legacy(_Outputs(trunk, names), (sample,), temporary, inputs=["pixels"], outputs=names)
        temporary.replace(path)
    return path
