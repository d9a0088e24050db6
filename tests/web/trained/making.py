"""Models that really answer, without training: the label is the strongest colour of the picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.web.searches.fake_engine_card import card_of
from tests.web.searches.making import add_trial, make_search
from webapp.accounts.models import User
from webapp.searches import files
from webapp.searches.models import Search
from webapp.trained.models import TrainedModel
from webapp.trained.services import publish_model

LABELS = ["red", "green", "blue"]


def write_bundle(folder: Path, *, labels: list[str] | None = None) -> None:
    """A bundle whose network averages each colour over the picture and takes the softmax."""
    folder.mkdir(parents=True)
    axes = numpy_helper.from_array(np.array([1, 2], np.int64), "axes")
    scale = numpy_helper.from_array(np.array(16.0, np.float32), "scale")
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers", "axes"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "strongest_colour",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
        [axes, scale],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    (folder / "labels.json").write_text(json.dumps(labels or LABELS))
    (folder / "model.json").write_text("{}")
    (folder / "infer.py").write_text("print('hello')\n")


def make_model(owner: User, *, search: Search | None = None, final: bool = True, **card: Any) -> TrainedModel:
    """A published model of a search that is over."""
    search = search or make_search(owner, state=Search.State.FINISHED)
    trial = search.trials.first() or add_trial(search)
    out = files.next_bundle(search.pk)
    write_bundle(out)
    return publish_model(search, trial, out, card_of(LABELS, final=final) | card, final=final)
