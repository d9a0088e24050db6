"""Proxies by formula against the networks themselves."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from search_engine.space.architecture import Genome, Trunk
from search_engine.space.cost import cost
from search_engine.space.macro_blocks import SqueezeExcite
from search_engine.space.networks import build, input_shapes
from search_engine.space.proxies import log_synflow, proxies, rank_sum, ranks
from search_engine.space.registry import make_space

CLASSES = 10
GENOMES = 60
TRUNKS = {
    "hybrid": Trunk("efficientnet_lite0", 128),
    "cells": Trunk("efficientnet_lite0", 32),
    "macro": Trunk("efficientnet_lite0", 32),
}


def draw(name: str, count: int) -> list[Genome]:
    space, rng = make_space(name, TRUNKS[name]), random.Random(7)
    return [space.decode(space.sample(rng)) for _ in range(count)]


def measured_log_synflow(genome: Genome, seed: int) -> float:
    """By automatic differentiation of the built network, as Tanaka et al. define it."""
    torch.manual_seed(seed)
    network = build(genome, CLASSES).double()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | SqueezeExcite | nn.Dropout):
                setattr(parent, name, nn.Identity())
    weights: list[Tensor] = []
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.abs_()
                weights.append(parameter)
    features = {
        key: torch.ones(1, *shape, dtype=torch.float64) for key, shape in input_shapes(genome).items()
    }
    gradients = torch.autograd.grad(network(features).sum(), weights)
    score = sum((w.detach() * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))
    return math.log(score)


@pytest.mark.parametrize("name", list(TRUNKS))
def test_expected_synflow_is_that_of_the_built_network(name: str) -> None:
    genomes = draw(name, GENOMES)
    expected = np.array([log_synflow(genome, CLASSES) for genome in genomes])
    measured = np.array([measured_log_synflow(genome, seed) for seed, genome in enumerate(genomes)])
    spearman = np.corrcoef(ranks(expected.tolist()), ranks(measured.tolist()))[0, 1]
    assert spearman >= 0.95
    assert float(np.abs(expected - measured).max()) < 0.3  # over a spread of many powers of e
    assert float(np.abs(expected - measured).mean()) < 0.1


def test_synflow_counts_every_layer_of_a_path_once() -> None:
    """A linear head on an embedding: R is features x classes x E|w|, and there is one layer."""
    genome = next(g for g in draw("hybrid", 200) if g.repeats == 0 and g.head.hidden == 0)
    assert log_synflow(genome, CLASSES) == pytest.approx(math.log(1280 * CLASSES * 0.5 / math.sqrt(1280)))


def test_a_hidden_layer_is_a_second_layer_on_every_path() -> None:
    genome = next(g for g in draw("hybrid", 200) if g.repeats == 0 and g.head.hidden == 128)
    out = (1280 * 0.5 / math.sqrt(1280)) * (128 * 0.5 / math.sqrt(128)) * CLASSES
    assert log_synflow(genome, CLASSES) == pytest.approx(math.log(2 * out))


def test_size_is_that_of_the_cost_formula() -> None:
    for name in TRUNKS:
        for genome in draw(name, 5):
            total = cost(genome, CLASSES)
            values = proxies(genome, CLASSES)
            assert math.exp(values.parameters) == pytest.approx(total.parameters)
            assert math.exp(values.macs) == pytest.approx(total.macs)
            assert math.isfinite(values.synflow)


def test_proxies_need_no_torch() -> None:
    code = (
        "import random, sys; from search_engine.space.architecture import Trunk\n"
        "from search_engine.space.proxies import proxies\n"
        "from search_engine.space.registry import make_space\n"
        "space = make_space('cells', Trunk('efficientnet_lite0', 32))\n"
        "proxies(space.decode(space.sample(random.Random(0))), 3)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_equals_share_their_rank_and_what_is_not_a_number_comes_first() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
    assert ranks([0.5, math.nan, -math.inf]) == [3.0, 1.5, 1.5]


def test_rank_sum_does_not_depend_on_the_scale_of_a_score() -> None:
    scores = [(1.0, 30.0), (2.0, 10.0), (3.0, 20.0)]
    assert rank_sum(scores) == [4.0, 3.0, 5.0]
    assert rank_sum([(a, 1e9 * b) for a, b in scores]) == rank_sum(scores)
    assert rank_sum([]) == []
