from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from search_engine.space.tail import TrainedTail
from search_engine.space.trunks import EMBEDDING, POOLED, TRUNKS
from search_engine.trunk.graph import TrunkRunner, feature_names
from search_engine.trunk.weights import load_tail, load_trunk, pretrained

NAME = "efficientnet_lite0"
names_of_trunks = pytest.mark.parametrize("name", TRUNKS)


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("resolution", [96, 192])
def test_graphs_give_what_torch_gives(tmp_path: Path, resolution: int, *, served: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, resolution, resolution, 3), dtype=np.uint8)
    names = feature_names(TRUNKS[NAME], unfreeze=3)
    runner = TrunkRunner(NAME, resolution, tmp_path, torch.device("cpu"), names=names, served=served)
    ours = dict(zip(runner.names, runner(pixels), strict=True))
    with torch.inference_mode():
        theirs = load_trunk(NAME)(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        np.testing.assert_allclose(ours[name], tensor.numpy(), atol=2e-4, err_msg=name)


def test_features_of_one_batch_stay_when_the_next_is_looked_at(tmp_path: Path) -> None:
    runner = TrunkRunner(NAME, 96, tmp_path, torch.device("cpu"), names=[EMBEDDING])
    black, white = (np.full((2, 96, 96, 3), value, np.uint8) for value in (0, 255))
    (first,) = runner(black)
    kept = first.copy()
    runner(white)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("name", "resolution"), [(name, side) for name, spec in TRUNKS.items() for side in spec.resolutions]
)
def test_every_tap_has_the_shape_that_the_spec_says(name: str, resolution: int) -> None:
    spec = TRUNKS[name]
    with torch.inference_mode():
        features = load_trunk(name)(torch.zeros(1, 3, resolution, resolution))
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


@names_of_trunks
@pytest.mark.parametrize("unfrozen", [1, 2, 3])
def test_a_tail_begins_as_the_trunk_that_it_is_cut_from(name: str, unfrozen: int) -> None:
    spec = TRUNKS[name]
    tail = spec.tails[unfrozen - 1]
    ours = TrainedTail(spec, tail).train()
    load_tail(ours, name, tail.first)
    assert sum(p.numel() for p in ours.parameters() if p.requires_grad) == tail.parameters
    pixels = torch.randint(0, 256, (2, 3, 96, 96), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad():
        features = load_trunk(name)(pixels)
        embedding, pooled = ours(features[tail.cut], features[tail.pooled])
    torch.testing.assert_close(embedding, features[EMBEDDING], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(pooled, features[POOLED], atol=1e-4, rtol=1e-4)


@names_of_trunks
def test_the_weights_are_the_real_ones(name: str) -> None:
    trunk = load_trunk(name)
    assert sum(p.numel() for p in trunk.parameters()) == TRUNKS[name].parameters
    assert not any(p.requires_grad for p in trunk.parameters())
    # With the weights in the wrong places it would take a Chinese temple for anything.
    buildings = {442, 483, 663, 698, 832}  # bell cote, castle, monastery, palace, stupa
    temple = Image.fromarray(load_sample_image("china.jpg")).resize((224, 224))
    pixels = torch.from_numpy(np.array(temple)).permute(2, 0, 1)[None].float() / 255.0
    with torch.inference_mode():
        answer = pretrained(name).eval()((pixels - trunk.spec.mean) / trunk.spec.std)
    assert len(buildings.intersection(answer[0].topk(5).indices.tolist())) >= 2


@names_of_trunks
def test_multiply_adds_are_those_of_the_network(name: str) -> None:
    """What a spec says of cost is counted on the network itself."""
    spec, counted = TRUNKS[name], {"all": 0} | {tail.cut: 0 for tail in TRUNKS[name].tails}
    backbone = load_trunk(name).backbone

    def count(path: str, conv: nn.Conv2d, output: Tensor) -> None:
        macs = output.numel() * conv.in_channels // conv.groups * conv.kernel_size[0] * conv.kernel_size[1]
        counted["all"] += macs
        for tail in spec.tails:
            stage = int(path.split(".")[1]) if path.startswith("blocks.") else len(spec.stages)
            if path != "conv_stem" and stage >= tail.first:
                counted[tail.cut] += macs

    hooks = [
        module.register_forward_hook(lambda conv, _, output, path=path: count(path, conv, output))
        for path, module in backbone.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.inference_mode():
        backbone(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    assert counted.pop("all") == spec.macs(64)
    assert counted == {tail.cut: tail.macs(64) for tail in spec.tails}
