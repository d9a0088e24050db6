from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch.nn.functional import interpolate

from search_engine.errors import ExportError
from search_engine.export.onnx import ServingModel, ServingPart, verify, write_onnx
from search_engine.space.architecture import Trunk
from search_engine.space.build import Candidate
from search_engine.space.cost import cost_together
from search_engine.space.hybrid import HybridSpace
from search_engine.space.macro import MacroSpace
from search_engine.space.networks import build
from search_engine.space.scratch import PIXELS
from search_engine.trainer.probe import LinearProbe
from search_engine.trainer.tuning import take_over
from search_engine.trunk.graph import session
from search_engine.trunk.weights import load_trunk

SIZES = ((150, 150), (600, 401), (40, 90), (1, 1), (97, 1000), (96, 96))


def serving(seed: int = 0) -> ServingModel:
    trunk = load_trunk("efficientnet_lite0")  # draws random numbers, but only the first time
    torch.manual_seed(seed)
    return ServingModel([ServingPart(trunk, LinearProbe(1280, 4), 96)])


def ensemble() -> ServingModel:
    """Two networks on one trunk, and one on a larger picture without."""
    trunk = load_trunk("efficientnet_lite0")
    torch.manual_seed(0)
    space = MacroSpace(32)
    scratch = build(space.decode(space.starts[0]), 4).eval()
    return ServingModel(
        [
            ServingPart(trunk, LinearProbe(1280, 4), 96, temperature=0.7, share=0.5),
            ServingPart(trunk, LinearProbe(1280, 4), 96, temperature=1.5, share=0.3),
            ServingPart(None, scratch, 32, share=0.2),
        ],
        temperature=0.8,
    )


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(serving(), path)
    return path


def test_the_file_answers_like_torch_at_every_size(written: Path) -> None:
    parity = verify(serving(), written, pictures())
    assert parity["n"] == len(SIZES)
    assert parity["max_abs_diff"] < 1e-5


def test_the_file_takes_batches_and_gives_probabilities(written: Path) -> None:
    batch = np.random.default_rng(1).integers(0, 256, (5, 33, 44, 3), dtype=np.uint8)
    out = session(str(written)).run(["probabilities"], {"pixels": batch})[0]
    assert out.shape == (5, 4)
    np.testing.assert_allclose(out.sum(axis=1), 1.0, atol=1e-5)
    alone = session(str(written)).run(["probabilities"], {"pixels": batch[2:3]})[0]
    np.testing.assert_allclose(out[2:3], alone, atol=1e-5)


def test_networks_that_answer_together_are_one_file(tmp_path: Path) -> None:
    model = ensemble()
    assert model.resolutions == (32, 96)
    assert len(model.core.trunks) == 1
    write_onnx(model, tmp_path / "model.onnx")
    assert verify(model, tmp_path / "model.onnx", pictures())["max_abs_diff"] < 1e-5
    sizes = [t.raw_data for t in onnx.load(str(tmp_path / "model.onnx")).graph.initializer]
    assert sum(map(len, sizes)) < 20e6  # the trunk is in it once


def test_trained_stages_are_in_the_file_and_what_is_frozen_is_shared(tmp_path: Path) -> None:
    """The file is as large as the formula says: no stage is in it that nothing reads, none twice."""
    trunk, space = load_trunk("efficientnet_lite0"), HybridSpace(Trunk("efficientnet_lite0", 96), unfreeze=2)
    [genome] = [g for g in map(space.decode, space.starts) if g.unfrozen]
    torch.manual_seed(0)
    parts, genomes = [], [replace(genome, unfrozen=2), replace(genome, unfrozen=1, pooled=True)]
    for count, each in enumerate(genomes, start=1):
        model = build(each, 4)
        assert isinstance(model, Candidate)
        assert model.tail is not None
        take_over(model, Candidate(replace(each, unfrozen=0), 4))
        with torch.no_grad():
            for parameter in model.tail.parameters():  # as training would
                parameter.mul_(1.0 + 0.02 * count)
        parts.append(ServingPart(trunk, model.eval(), 96, share=0.5))
        path, together = tmp_path / f"{count}.onnx", ServingModel(parts)
        write_onnx(together, path)
        assert verify(together, path, pictures())["max_abs_diff"] < 1e-4
        assert path.stat().st_size == pytest.approx(
            4 * cost_together(genomes[:count], 4).parameters, rel=0.03
        )


def test_an_ensemble_says_the_mean_of_what_its_networks_say() -> None:
    model, pixels = ensemble(), torch.from_numpy(pictures()[0])[None]
    parts = [
        (c, *facts, key)
        for c, facts, key in zip(model.core.candidates, model.core.facts, model.core.trunk_of, strict=True)
    ]
    planes = pixels.permute(0, 3, 1, 2).float()
    expected = torch.zeros(1, 4)
    for candidate, side, temperature, share, key in parts:
        small = interpolate(planes, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
        read = load_trunk("efficientnet_lite0")(small) if key else {PIXELS: small.permute(0, 2, 3, 1)}
        expected += share * torch.softmax(candidate(read) / temperature, 1)
    expected = expected ** (1 / 0.8)
    torch.testing.assert_close(model(pixels), expected / expected.sum(), atol=1e-5, rtol=1e-4)


def test_a_file_that_answers_otherwise_is_refused(written: Path) -> None:
    with pytest.raises(ExportError, match="answers differently"):
        verify(serving(seed=1), written, pictures())


def test_the_file_stands_alone(written: Path) -> None:
    model = onnx.load(str(written))
    assert [i.name for i in model.graph.input] == ["pixels"]
    assert {o.domain for o in model.opset_import} <= {""}
    assert all(not t.external_data for t in model.graph.initializer)
    assert list(written.parent.iterdir()) == [written]
