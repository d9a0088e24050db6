"""Linear probing, then fine-tuning: how a network that trains a part of its trunk begins.

A head that starts at random drags pretrained features about before it is of any use (Kumar et al. 2022,
arXiv:2202.10054). So the head is fitted first, on the cached activations of the frozen trunk, which takes
seconds, and then head and trunk are trained together from there.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from search_engine.errors import SpaceError
from search_engine.space.architecture import Genome, Head
from search_engine.space.build import Candidate
from search_engine.space.hybrid import LOGISTIC
from search_engine.trunk.weights import load_tail

HEAD_SHARE = 0.3
"""Of the time of a training, at the most, that its head may take on the frozen trunk."""

HEAD_EPOCHS = (15, 60)
"""Of a head with hidden units on the frozen trunk, at least and at most."""
HEAD_SEEN = 20_000
"""Pictures in all those epochs: a small set is passed over more often."""


def head_epochs(pictures: int) -> int:
    """For how long a head with hidden units is trained on the frozen trunk."""
    least, most = HEAD_EPOCHS
    return min(most, max(least, math.ceil(HEAD_SEEN / pictures)))


def with_frozen_trunk(genome: Genome) -> Genome:
    """The network that a training begins as; a linear head is fitted by logistic regression."""
    if genome.head.hidden:
        return replace(genome, unfrozen=0, recipe=replace(genome.recipe, trunk_rate=0.0))
    return replace(genome, unfrozen=0, recipe=LOGISTIC, head=Head(hidden=0, dropout=0.0))


@torch.no_grad()
def take_over(model: Candidate, frozen: Candidate) -> None:
    """Give a network the pretrained tail, and the head that was fitted on the frozen trunk, in place.

    Raises:
        SpaceError: the network trains no part of a trunk.
    """
    if model.tail is None or model.plan.tail is None:
        raise SpaceError("this network has no tail to train")
    load_tail(model.tail, model.plan.spec.name, model.plan.tail.first)
    model.feature_norm.load_state_dict(frozen.feature_norm.state_dict())
    for ours, theirs in zip(_layers(model), _layers(frozen), strict=True):
        ours.load_state_dict(theirs.state_dict())


def _layers(model: Candidate) -> list[nn.Linear]:
    return [layer for layer in model.head if isinstance(layer, nn.Linear)]
