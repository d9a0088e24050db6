"""What must hold in every space: genomes and vectors say the same, and every genome is a network that serves.

A space joins by being in the registry.
"""

from __future__ import annotations

import json
import random
from functools import cache
from itertools import count

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from search_engine.export.onnx import candidate_onnx
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.base import GenomeSpace
from search_engine.space.networks import build, input_shapes
from search_engine.space.offer import Offer
from search_engine.space.registry import SPACES, make_space
from search_engine.space.scratch import PIXELS
from search_engine.space.union import trains_trunk

CLASSES = 5
OFFERS = {"all": Offer(pooled=True, unfreeze=3, augmented=True), "oldest": Offer()}
SAMPLES = 6
"""Random genomes of each space that are built, trained and exported."""
pytestmark = pytest.mark.parametrize("name", SPACES)


@cache
def space_of(name: str, offer: str) -> GenomeSpace:
    return make_space(name, Trunk("efficientnet_lite0", 96), 32, OFFERS[offer])


def samples(space: GenomeSpace, wanted: int) -> list[Genome]:
    """Random genomes; where a space has such, half of them train their trunk, which chance rarely gives."""
    drawn = [space.sample(random.Random(seed)) for seed in range(wanted)]
    if any(trains_trunk(space, start) for start in space.starts):
        sampled = (space.sample(random.Random(seed)) for seed in count(wanted))
        drawn[: wanted // 2] = [
            next(v for v in sampled if trains_trunk(space, v)) for _ in range(wanted // 2)
        ]
    return [space.decode(vector) for vector in drawn]


def features(genome: Genome, pictures: int, seed: int = 0) -> dict[str, Tensor]:
    """Made-up pictures or activations."""
    generator = torch.Generator().manual_seed(seed)
    made = {k: torch.rand(pictures, *s, generator=generator) for k, s in input_shapes(genome).items()}
    return {k: 255 * t if k == PIXELS else t for k, t in made.items()}


@pytest.mark.parametrize("offer", OFFERS)
@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_vector_to_genome_to_json_and_back(name: str, offer: str, seed: int) -> None:
    space = space_of(name, offer)
    vector = space.sample(random.Random(seed))
    genome = space.decode(vector)
    assert Genome.from_dict(json.loads(json.dumps(genome.to_dict()))) == genome
    again = space.encode(genome)
    assert space.decode(again) == genome
    assert space.key(again) == space.key(vector)
    assert len(again) == len(vector) == len(space.decisions)


def test_a_random_genome_runs_forward_and_back_and_answers_alike_in_onnx(name: str) -> None:
    for genome in samples(space_of(name, "all"), SAMPLES):
        torch.manual_seed(0)
        model = build(genome, CLASSES).train()
        logits = model(features(genome, 4))
        assert logits.shape == (4, CLASSES)
        assert torch.isfinite(logits).all()
        logits.square().sum().backward()
        assert [n for n, p in model.named_parameters() if p.grad is None] == [], genome
        model.eval()
        session = onnxruntime.InferenceSession(
            candidate_onnx(model, genome), providers=["CPUExecutionProvider"]
        )
        read = [each.name for each in session.get_inputs()]
        for pictures in (1, 3):
            sample = features(genome, pictures, seed=pictures)
            with torch.no_grad():
                expected = model(sample).numpy()
            (answer,) = session.run(None, {key: sample[key].numpy() for key in read})
            np.testing.assert_allclose(answer, expected, atol=1e-3, rtol=1e-3)
