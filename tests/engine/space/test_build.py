"""Every legal genome is a network that trains, costs what the formula says, and exports."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_engine.errors import SpaceError
from search_engine.space.architecture import OPERATIONS, Cell, Genome, Node, Trunk, linear_probe
from search_engine.space.build import Candidate
from search_engine.space.cost import cost
from tests.engine.space.genomes import SPEC, TRUNK, features, genome, genomes

CLASSES = 5


def counted_macs(model: Candidate, resolution: int) -> int:
    """Multiply-adds of one picture, counted while it runs."""
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += module.weight[0].numel() * out[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    handles = [module.register_forward_hook(count) for module in model.modules()]
    with torch.no_grad():
        model.eval()(features(1, resolution))
    for handle in handles:
        handle.remove()
    return total


@settings(max_examples=150, deadline=None)
@given(genomes(), st.sampled_from(SPEC.resolutions))
def test_cost_equals_the_built_network(sampled: Genome, resolution: int) -> None:
    sampled = dataclasses.replace(sampled, trunk=Trunk(TRUNK.name, resolution))
    model = Candidate(sampled, CLASSES)
    formula = cost(sampled, CLASSES)
    parameters = sum(p.numel() for p in model.parameters())
    assert formula.parameters == SPEC.parameters + parameters
    assert formula.macs == SPEC.macs(resolution) + counted_macs(model, resolution)
    assert formula.memory_bytes > 4 * formula.parameters


@settings(max_examples=100, deadline=None)
@given(genomes(), st.sampled_from(SPEC.resolutions))
def test_every_weight_is_trained(sampled: Genome, resolution: int) -> None:
    sampled = dataclasses.replace(sampled, trunk=Trunk(TRUNK.name, resolution))
    model = Candidate(sampled, CLASSES).train()
    logits = model(features(3, resolution))
    assert logits.shape == (3, CLASSES)
    logits.square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []


def exported(model: Candidate) -> onnxruntime.InferenceSession:
    """The candidate in onnxruntime, by the legacy exporter, with any number of pictures."""

    class Positional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *parts: Tensor) -> Tensor:
            out: Tensor = self.model(dict(zip(model.needs, parts, strict=True)))
            return out

    buffer, sample = io.BytesIO(), features(2)
    axes = {name: {0: "n"} for name in (*model.needs, "logits")}
    torch.onnx.export(
        Positional().eval(),
        tuple(sample[name] for name in model.needs),
        buffer,  # type: ignore[arg-type]
        input_names=list(model.needs),
        output_names=["logits"],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=20,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])


def all_operations() -> Genome:
    """Two cells and a reduction that use every operation, on inputs and on nodes."""
    ops = OPERATIONS
    first = Cell((Node(0, ops[0], 1, ops[1]), Node(1, ops[2], 2, ops[3]), Node(0, ops[4], 3, ops[5])))
    second = Cell((Node(0, ops[0], 1, ops[1]), Node(0, ops[2], 1, ops[3]), Node(0, ops[4], 1, ops[5])))
    return genome(first, second)


@pytest.mark.parametrize("case", ["every operation", "probe"])
def test_onnx_answers_like_torch_for_any_number_of_pictures(case: str) -> None:
    chosen = {"every operation": all_operations(), "probe": linear_probe(TRUNK)}[case]
    torch.manual_seed(0)
    model = Candidate(chosen, CLASSES).train()
    model(features(8))  # so that batch-norm statistics are not the initial ones
    model.eval()
    session = exported(model)
    for count in (1, 3):
        sample = features(count)
        with torch.no_grad():
            expected = model(sample).numpy()
        (answer,) = session.run(None, {name: sample[name].numpy() for name in model.needs})
        assert np.abs(answer - expected).max() < 1e-4


def test_the_same_seed_builds_the_same_network() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(7)
        networks.append(Candidate(Genome.from_dict(all_operations().to_dict()), CLASSES).eval())
    sample = features(2)
    with torch.no_grad():
        assert torch.equal(networks[0](sample), networks[1](sample))


def test_an_answer_does_not_depend_on_the_other_pictures() -> None:
    model = Candidate(all_operations(), CLASSES).eval()
    sample = features(4)
    with torch.no_grad():
        together, alone = model(sample), model({name: t[:1] for name, t in sample.items()})
    assert torch.allclose(together[:1], alone, atol=1e-5)


def test_it_learns_a_task_that_needs_positions() -> None:
    """Which half of the grid is bright cannot be read off the pooled embedding; cells on the taps can."""
    torch.manual_seed(0)
    cell = Cell((Node(0, "sep_conv_3x3", 1, "conv_1x1"), Node(2, "sep_conv_3x3", 1, "identity")))
    model = Candidate(genome(cell, repeats=1), 2).train()
    sample, targets = features(64), torch.arange(64) % 2
    half = sample["stage6"].shape[-1] // 2
    sample["stage6"][targets == 0, :, :, :half] += 1
    sample["stage6"][targets == 1, :, :, half:] += 1
    sample["embedding"].zero_()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    for _ in range(40):
        loss = nn.functional.cross_entropy(model(sample), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.1


def test_it_names_the_features_it_needs() -> None:
    cell = Cell((Node(0, "conv_1x1", 1, "conv_1x1"),))
    assert Candidate(genome(cell, shortcut=False), CLASSES).needs == ("stage4", "stage6")
    assert Candidate(linear_probe(TRUNK), CLASSES).needs == ("embedding",)
    pooled = dataclasses.replace(genome(cell, shortcut=False), pooled=True)
    assert Candidate(pooled, CLASSES).needs == ("stage4", "stage6", "pooled")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"taps": ()}, "needs taps"),
        ({"taps": ("stage9",)}, "no tap 'stage9'"),
        ({"trunk": Trunk("nonesuch", 128)}, "unknown trunk"),
        ({"normal": Cell((Node(0, "warp", 1, "identity"),))}, "unknown operation 'warp'"),
        ({"normal": Cell((Node(0, "identity", 2, "identity"),))}, "reads state 2"),
        ({"normal": Cell(())}, "at least one node"),
    ],
)
def test_an_impossible_genome_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    broken = dataclasses.replace(all_operations(), **change)  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match=reason):
        cost(broken, CLASSES)


def test_one_label_is_not_enough() -> None:
    with pytest.raises(SpaceError, match="two labels"):
        Candidate(linear_probe(TRUNK), 1)
