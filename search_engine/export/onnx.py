"""One ONNX file that takes decoded pixels of any size and gives probabilities.

The network is exported at its own resolution by the TorchScript exporter (a second; dynamo takes eleven),
which cannot express the antialiased resize. So resize and scaling are written as ONNX nodes and joined in
front. ``verify`` then compares the file with torch, which resizes by its own code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import ExportError
from search_engine.space.architecture import Genome
from search_engine.space.networks import input_shapes
from search_engine.space.scratch import PIXELS
from search_engine.trunk.graph import OPSET, export_legacy, session
from search_engine.trunk.weights import TappedTrunk

TOLERANCE = 1e-3
IR_VERSION = 10  # read by every onnxruntime since 1.18


class ServingModel(nn.Module):
    """What the exported file must equal: pixels in, probabilities out, in torch."""

    def __init__(self, trunk: TappedTrunk | None, candidate: nn.Module, resolution: int) -> None:
        """Without a trunk the candidate reads the pixels itself."""
        super().__init__()
        self.core = Core(trunk, candidate)
        self.resolution = resolution
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, classes) probabilities of (N, H, W, 3) uint8 pixels."""
        x = pixels.permute(0, 3, 1, 2).float()
        size = (self.resolution, self.resolution)
        x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
        out: Tensor = self.core(x)
        return out


class Core(nn.Module):
    """Trunk if there is one, candidate and softmax, at the network's own resolution."""

    def __init__(self, trunk: TappedTrunk | None, candidate: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.candidate = candidate

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, classes) probabilities of (N, 3, R, R) float pixels in 0..255."""
        features = {PIXELS: pixels.permute(0, 2, 3, 1)} if self.trunk is None else self.trunk(pixels)
        return torch.softmax(self.candidate(features), dim=1)


def write_onnx(model: ServingModel, path: Path) -> None:
    """Write the serving model: input ``pixels``, output ``probabilities``."""
    resolution = model.resolution
    core_path = path.with_suffix(".core")
    sample = torch.zeros(2, 3, resolution, resolution)
    export_legacy(model.core, (sample,), core_path, inputs=["resized"], outputs=["probabilities"])
    core = onnx.load(str(core_path))
    core_path.unlink()
    front = _front(resolution)
    core.ir_version = front.ir_version = IR_VERSION
    joined = compose.merge_models(
        compose.add_prefix(front, "pre_", rename_inputs=False, rename_outputs=False),
        core,
        io_map=[("input", "resized")],
        producer_name="netwright",
    )
    onnx.checker.check_model(joined, full_check=True)
    onnx.save(joined, str(path))


def candidate_onnx(candidate: nn.Module, genome: Genome) -> bytes:
    """What is trained, without a trunk, as a serialised ONNX model: for measuring, not for serving."""
    shapes = input_shapes(genome)
    names = list(shapes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.onnx"
        samples = tuple(torch.zeros(2, *shape) for shape in shapes.values())
        export_legacy(_Positional(candidate, names), samples, path, inputs=names, outputs=["logits"])
        return path.read_bytes()


class _Positional(nn.Module):
    """A candidate that takes its features one by one, as the exporter wants them."""

    def __init__(self, candidate: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.candidate = candidate
        self.names = names

    def forward(self, *features: Tensor) -> Tensor:
        out: Tensor = self.candidate(dict(zip(self.names, features, strict=True)))
        return out


def _front(resolution: int) -> onnx.ModelProto:
    """uint8 NHWC of any size -> float NCHW at the resolution, by antialiased bilinear resizing."""
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node(
            "Resize",
            ["floats", "", "", "sizes"],
            ["input"],
            mode="linear",
            antialias=1,
            axes=[2, 3],
            exclude_outside=1,  # weights beyond the edge are left out, as torch and Pillow do
            coordinate_transformation_mode="half_pixel",
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "netwright",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "height", "width", 3])],
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, resolution, resolution])],
        [helper.make_tensor("sizes", TensorProto.INT64, [2], [resolution, resolution])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def verify(model: ServingModel, path: Path, pictures: Iterable[np.ndarray]) -> dict[str, float]:
    """Compare torch and onnxruntime on real pictures, each at its own size.

    Args:
        model: the torch side.
        path: the ONNX side.
        pictures: (H, W, 3) uint8 arrays.

    Returns:
        ``{"max_abs_diff": largest absolute difference of a probability, "n": pictures compared}``.

    Raises:
        ExportError: the difference is above 1e-3.
    """
    runtime, worst, n = session(str(path)), 0.0, 0
    for pixels in pictures:
        with torch.inference_mode():
            ours = model(torch.from_numpy(pixels)[None]).numpy()
        theirs = runtime.run(["probabilities"], {"pixels": pixels[None]})[0]
        worst, n = max(worst, float(np.abs(ours - theirs).max())), n + 1
    if not worst <= TOLERANCE:
        raise ExportError(
            f"The exported file answers differently from the network: a probability differs by {worst:.4f}, "
            f"and {TOLERANCE} is allowed. Nothing was published; please report this with the search's log."
        )
    return {"max_abs_diff": worst, "n": n}
