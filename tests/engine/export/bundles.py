"""A bundle with a network so simple that its answers can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

LABELS = ["rot", "grün", "blau & 箱"]


def make_bundle(folder: Path, labels: list[str] | None = None) -> Path:
    """A network that answers with the softmax of the mean red, green and blue, divided by 32."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean_colour",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
            helper.make_tensor("scale", TensorProto.FLOAT, [], [32.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "labels.json").write_text(json.dumps(LABELS if labels is None else labels))
    return folder


def expected(pixels: np.ndarray) -> np.ndarray:
    """What that network answers."""
    logits = pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64) / 32
    powers = np.exp(logits - logits.max())
    answer: np.ndarray = powers / powers.sum()
    return answer
