"""Checks that every space of networks from scratch must pass."""

from __future__ import annotations

import io
import random

import numpy as np
import onnxruntime
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from search_engine.space.architecture import Genome
from search_engine.space.cost import cost
from search_engine.space.networks import build
from search_engine.space.scratch import PIXELS
from search_engine.space.scratch_space import ScratchSpace
from search_engine.trial import Vector

CLASSES = 5


def vectors(space: ScratchSpace) -> st.SearchStrategy[Vector]:
    """Legal vectors of a space."""
    return st.integers(0, 2**32).map(lambda seed: space.sample(random.Random(seed)))


def pixels(count: int, side: int, seed: int = 0) -> dict[str, Tensor]:
    """Made-up pictures."""
    generator = torch.Generator().manual_seed(seed)
    return {PIXELS: torch.randint(0, 256, (count, side, side, 3), generator=generator).float()}


def check_mutation(space: ScratchSpace, vector: Vector, seed: int) -> None:
    child = space.mutate(vector, random.Random(seed))
    assert sum(a != b for a, b in zip(vector, child, strict=True)) == 1
    assert space.key(child) != space.key(vector)
    space.check(child)


def check_cost(genome: Genome) -> None:
    """Parameters and multiply-adds by formula are those of the built network."""
    torch.manual_seed(0)
    model = build(genome, CLASSES).eval()
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += module.weight[0].numel() * out[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    for module in model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        model(pixels(1, genome.resolution))
    formula = cost(genome, CLASSES)
    assert formula.parameters == sum(p.numel() for p in model.parameters())
    assert formula.macs == total
    assert formula.memory_bytes > 4 * formula.parameters


def check_training(genome: Genome) -> None:
    """A step forward and back reaches every weight."""
    torch.manual_seed(0)
    model = build(genome, CLASSES).train()
    logits = model(pixels(3, genome.resolution))
    assert logits.shape == (3, CLASSES)
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    assert torch.isfinite(logits).all()


def check_export(genome: Genome) -> None:
    """onnxruntime answers as torch does, for any number of pictures."""

    class Positional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pictures: Tensor) -> Tensor:
            out: Tensor = self.model({PIXELS: pictures})
            return out

    torch.manual_seed(0)
    model = build(genome, CLASSES).train()
    model(pixels(8, genome.resolution))  # so that batch-norm statistics are not the initial ones
    model.eval()
    buffer = io.BytesIO()
    torch.onnx.export(
        Positional().eval(),
        (pixels(2, genome.resolution)[PIXELS],),
        buffer,  # type: ignore[arg-type]
        input_names=[PIXELS],
        output_names=["logits"],
        dynamic_axes={PIXELS: {0: "n"}, "logits": {0: "n"}},
        dynamo=False,
        opset_version=20,
    )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        sample = pixels(count, genome.resolution, seed=count)
        with torch.no_grad():
            expected = model(sample).numpy()
        (answer,) = session.run(None, {PIXELS: sample[PIXELS].numpy()})
        assert np.abs(answer - expected).max() < 1e-3
