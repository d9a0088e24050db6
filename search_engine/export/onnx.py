"""One ONNX file that takes decoded pixels of any size and gives probabilities.

The network is exported at its own resolution by the TorchScript exporter (a second; dynamo takes eleven),
which cannot express the antialiased resize. So resize and scaling are written as ONNX nodes and joined in
front. ``verify`` then compares the file with torch, which resizes by its own code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper
from torch import Tensor, nn
from torch.nn import functional as F

from search_engine.errors import ExportError
from search_engine.evaluate.task import FAINTEST, FAINTEST_LABEL
from search_engine.space.architecture import Genome
from search_engine.space.networks import input_shapes
from search_engine.space.scratch import PIXELS
from search_engine.trunk.graph import OPSET, export_legacy, session
from search_engine.trunk.weights import TappedTrunk

TOLERANCE = 1e-3
IR_VERSION = 10  # read by every onnxruntime since 1.18


@dataclass(frozen=True, slots=True, eq=False)
class ServingPart:
    """One network of a model.

    Attributes:
        trunk: its frozen part; without one the candidate reads the pixels itself.
        candidate: what was trained.
        resolution: side in pixels that it sees.
        temperature: that its logits are divided by.
        share: of the answer, 0..1.
    """

    trunk: TappedTrunk | None
    candidate: nn.Module
    resolution: int
    temperature: float = 1.0
    share: float = 1.0


class ServingModel(nn.Module):
    """What the exported file must equal: pixels in, probabilities out, in torch."""

    def __init__(
        self, parts: Sequence[ServingPart], temperature: float = 1.0, *, multi: bool = False
    ) -> None:
        """Args:
        parts: the networks that answer.
        temperature: of the answer; the logits of the mixed probabilities are divided by it.
        multi: whether each label has a probability of its own; else those of all labels sum to 1.
        """
        super().__init__()
        self.core = Core(parts, temperature, multi=multi)
        self.eval()

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides in pixels that its networks see, each once."""
        return self.core.resolutions

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, classes) probabilities of (N, H, W, 3) uint8 pixels."""
        x = pixels.permute(0, 3, 1, 2).float()
        sizes = [(side, side) for side in self.resolutions]
        out: Tensor = self.core(
            *(F.interpolate(x, size=s, mode="bilinear", antialias=True, align_corners=False) for s in sizes)
        )
        return out


class Core(nn.Module):
    """All networks of a model at their own resolutions, and their mean; a trunk that is shared runs once."""

    def __init__(self, parts: Sequence[ServingPart], temperature: float, *, multi: bool) -> None:
        super().__init__()
        self.multi = multi
        self.resolutions = tuple(sorted({part.resolution for part in parts}))
        self.temperature = temperature
        self.candidates = nn.ModuleList(part.candidate for part in parts)
        self.facts = [(part.resolution, part.temperature, part.share) for part in parts]
        keys = [f"{part.trunk.spec.name}-{part.resolution}" if part.trunk else "" for part in parts]
        self.trunk_of = keys
        self.trunks = nn.ModuleDict(
            {key: part.trunk for key, part in zip(keys, parts, strict=True) if key and part.trunk}
        )

    def forward(self, *pixels: Tensor) -> Tensor:
        """(N, classes) probabilities of (N, 3, R, R) float pixels in 0..255, one for each resolution."""
        seen = dict(zip(self.resolutions, pixels, strict=True))
        features = {
            key: trunk(seen[int(key.rpartition("-")[2])])  # a key ends with the resolution
            for key, trunk in self.trunks.items()
        }
        answers = []
        for candidate, key, (side, temperature, share) in zip(
            self.candidates, self.trunk_of, self.facts, strict=True
        ):
            read = features[key] if key else {PIXELS: seen[side].permute(0, 2, 3, 1)}
            answers.append(share * self._squashed(candidate(read) / temperature))
        mixed = torch.stack(answers).sum(dim=0) if len(answers) > 1 else answers[0]
        return self._squashed(self._logits(mixed) / self.temperature)

    def _squashed(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(logits) if self.multi else torch.softmax(logits, dim=1)

    def _logits(self, probabilities: Tensor) -> Tensor:
        if not self.multi:
            return probabilities.clamp(min=FAINTEST).log()
        clipped = probabilities.clamp(FAINTEST_LABEL, 1.0 - FAINTEST_LABEL)
        return clipped.log() - (1.0 - clipped).log()


def write_onnx(model: ServingModel, path: Path) -> None:
    """Write the serving model: input ``pixels``, output ``probabilities``."""
    core_path = path.with_suffix(".core")
    samples = tuple(torch.zeros(2, 3, side, side) for side in model.resolutions)
    resized = [f"resized_{side}" for side in model.resolutions]
    export_legacy(model.core, samples, core_path, inputs=resized, outputs=["probabilities"])
    core = onnx.load(str(core_path))
    core_path.unlink()
    front = _front(model.resolutions)
    core.ir_version = front.ir_version = IR_VERSION
    joined = compose.merge_models(
        compose.add_prefix(front, "pre_", rename_inputs=False, rename_outputs=False),
        core,
        io_map=[(f"input_{side}", f"resized_{side}") for side in model.resolutions],
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


def _front(resolutions: Sequence[int]) -> onnx.ModelProto:
    """uint8 NHWC of any size -> float NCHW at each resolution, by antialiased bilinear resizing."""
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        *(
            helper.make_node(
                "Resize",
                ["floats", "", "", f"sizes_{side}"],
                [f"input_{side}"],
                mode="linear",
                antialias=1,
                axes=[2, 3],
                exclude_outside=1,  # weights beyond the edge are left out, as torch and Pillow do
                coordinate_transformation_mode="half_pixel",
            )
            for side in resolutions
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "netwright",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "height", "width", 3])],
        [
            helper.make_tensor_value_info(f"input_{side}", TensorProto.FLOAT, ["n", 3, side, side])
            for side in resolutions
        ],
        [helper.make_tensor(f"sizes_{side}", TensorProto.INT64, [2], [side, side]) for side in resolutions],
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
