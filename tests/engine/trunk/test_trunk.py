from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from search_engine.space.tail import TrainedTail
from search_engine.space.trunks import EMBEDDING, POOLED, TRUNKS
from search_engine.trunk.graph import TrunkRunner, feature_names
from search_engine.trunk.weights import load_tail, load_trunk

NAME = "efficientnet_lite0"


@pytest.mark.parametrize("resolution", [96, 192])
def test_onnxruntime_gives_what_torch_gives(tmp_path: Path, resolution: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, resolution, resolution, 3), dtype=np.uint8)
    names = feature_names(TRUNKS[NAME], unfreeze=3)
    runner = TrunkRunner(NAME, resolution, tmp_path, torch.device("cpu"), names=names)
    ours = dict(zip(runner.names, runner(pixels), strict=True))
    with torch.inference_mode():
        theirs = load_trunk(NAME)(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        np.testing.assert_allclose(ours[name], tensor.numpy(), atol=2e-4, err_msg=name)


@pytest.mark.parametrize("resolution", TRUNKS[NAME].resolutions)
def test_every_tap_has_the_shape_that_the_spec_says(resolution: int) -> None:
    spec = TRUNKS[NAME]
    with torch.inference_mode():
        features = load_trunk(NAME)(torch.zeros(1, 3, resolution, resolution))
    grid = spec.grid(resolution)
    for tap in spec.taps:
        assert features[tap.name].shape == (1, tap.channels, grid, grid)
    assert features[EMBEDDING].shape == (1, spec.embedding)
    assert features[POOLED].shape == (1, spec.pooled)
    for tail in spec.tails:
        side = tail.grid(resolution)
        assert features[tail.cut].shape == (1, tail.channels, side, side)
        assert features[tail.cut].numel() == tail.numbers(resolution)
        assert features[tail.pooled].shape == (1, spec.pooled_before(tail))


def test_one_graph_serves_all_that_need_no_cut(tmp_path: Path) -> None:
    pixels = np.zeros((1, 96, 96, 3), np.uint8)
    for names in (None, [EMBEDDING], [EMBEDDING, "cut5"]):
        TrunkRunner(NAME, 96, tmp_path, torch.device("cpu"), names=names)(pixels)
    assert len(list(tmp_path.glob("trunks/*.onnx"))) == 2


@pytest.mark.parametrize("unfrozen", [1, 2, 3])
def test_a_tail_begins_as_the_trunk_that_it_is_cut_from(unfrozen: int) -> None:
    spec = TRUNKS[NAME]
    tail = spec.tails[unfrozen - 1]
    ours = TrainedTail(spec, tail).train()
    load_tail(ours, NAME, tail.first)
    assert sum(p.numel() for p in ours.parameters() if p.requires_grad) == tail.parameters
    pixels = torch.randint(0, 256, (2, 3, 96, 96), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad():
        features = load_trunk(NAME)(pixels)
        embedding, pooled = ours(features[tail.cut], features[tail.pooled])
    torch.testing.assert_close(embedding, features[EMBEDDING], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(pooled, features[POOLED], atol=1e-4, rtol=1e-4)


def test_the_weights_are_the_real_ones() -> None:
    trunk = load_trunk(NAME)
    assert sum(p.numel() for p in trunk.parameters()) == TRUNKS[NAME].parameters
    assert not any(p.requires_grad for p in trunk.parameters())
    # A trained network answers a flat picture and a checkerboard very differently; noise weights do not.
    flat = torch.full((1, 3, 96, 96), 128.0)
    board = (torch.arange(96)[:, None] // 8 + torch.arange(96) // 8) % 2 * 255.0
    with torch.inference_mode():
        difference = trunk(board.expand(1, 3, 96, 96))[EMBEDDING] - trunk(flat)[EMBEDDING]
    assert difference.abs().mean() > 0.1
